"""Blobs of the catalog: brought to files, verified while they come, and sent from files; what breaks goes on where it was."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ._generated.catalog_pb2 import BlobHeader, DownloadBlobRequest, GetUploadRequest, UploadBlobRequest
from .connection import DOWNLOAD, GET_UPLOAD, UPLOAD, Connection
from .content import Content
from .errors import ServiceError, TransferAborted

#: So long a transfer that breaks is taken up again, from the last byte that moved, in seconds.
_PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = 0.25


@dataclass(frozen=True)
class Blob:
    """Bytes of the catalog."""

    digest: str
    bytes: int


@dataclass
class Moved:
    """Bytes of blobs that this process has moved."""

    downloaded: int = 0
    uploaded: int = 0


def _nobody(_: int) -> None:
    """Nobody listens."""


class Sink(Protocol):
    """Where bytes are written: a file, or memory."""

    def write(self, data: bytes, /) -> object: ...

    def flush(self) -> object: ...


class Artifacts:
    """The blobs of a catalog."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.moved = Moved()

    def download(self, digest: str, file: Sink, abort: threading.Event, moved: Callable[[int], None] = _nobody) -> int:
        """Writes a blob to a file, and gives how many bytes it has. `moved` hears how many there are.

        Raises OSError, TransferAborted, and ServiceError: NOT_FOUND, DATA_LOSS where other bytes arrived.
        """
        hash_ = hashlib.sha256()
        done = 0
        progress = Patience()
        while True:
            try:
                for message in self._connection.receive(DOWNLOAD, DownloadBlobRequest(digest=digest, offset=done)):
                    file.write(message.chunk)
                    hash_.update(message.chunk)
                    done += len(message.chunk)
                    self.moved.downloaded += len(message.chunk)
                    progress.moved()
                    moved(done)
                    _check(abort)
                break
            except ServiceError as error:
                progress.wait_or_raise(error)
        file.flush()
        if f"sha256:{hash_.hexdigest()}" != digest:
            raise ServiceError("DATA_LOSS", f"blob {digest} arrived with other bytes", "BLOB_CORRUPTED")
        return done

    def upload(self, content: Content, abort: threading.Event, moved: Callable[[int], None] = _nobody) -> Blob:
        """Sends bytes; where that breaks, it goes on behind what has arrived. `moved` hears how many are on their way or there.

        Raises OSError, TransferAborted, and ServiceError: RESOURCE_EXHAUSTED (NO_SPACE) where there is no room.
        """
        blob = Blob(content.digest, content.size)
        progress = Patience()
        offset = 0
        while True:
            try:
                self._connection.send(UPLOAD, self._parts(content, blob, offset, progress, abort, moved), seconds=None)
                return blob
            except ServiceError as error:
                _check(abort)
                if error.reason != "UPLOAD_MOVED":
                    progress.wait_or_raise(error)
            offset = self._received(blob, progress, abort)

    def _received(self, blob: Blob, progress: Patience, abort: threading.Event) -> int:
        while True:
            try:
                return self._connection.call(GET_UPLOAD, GetUploadRequest(digest=blob.digest), seconds=5, retry=False).received_bytes
            except ServiceError as error:
                _check(abort)
                if error.code == "UNIMPLEMENTED":
                    return 0
                progress.wait_or_raise(error)

    def _parts(
        self, content: Content, blob: Blob, offset: int, progress: Patience, abort: threading.Event, moved: Callable[[int], None]
    ) -> Iterator[UploadBlobRequest]:
        yield UploadBlobRequest(header=BlobHeader(digest=blob.digest, size_bytes=blob.bytes, keep=True, offset=offset))
        for chunk in content.windows(offset):
            yield UploadBlobRequest(chunk=chunk)
            offset += len(chunk)
            self.moved.uploaded += len(chunk)
            progress.moved()
            moved(offset)
            if abort.is_set():
                # What the service has of it is not the blob that was announced: it keeps nothing.
                return


def _check(abort: threading.Event) -> None:
    if abort.is_set():
        raise TransferAborted("the transfer was given up")


class Patience:
    """How long a transfer that breaks is tried again: until nothing has moved for ten seconds."""

    def __init__(self) -> None:
        self._moved_at = time.monotonic()

    def moved(self) -> None:
        self._moved_at = time.monotonic()

    def wait_or_raise(self, error: ServiceError, again: bool = False) -> None:
        """Waits a moment after an error that passes, or where it may be tried `again`; raises all others, and any once it took too long."""
        passes = again or error.code in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED")
        if not passes or time.monotonic() - self._moved_at > _PATIENCE_SECONDS:
            raise error
        time.sleep(_PAUSE_SECONDS)
