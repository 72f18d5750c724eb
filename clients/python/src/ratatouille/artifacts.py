"""Blobs of the catalog: brought to files, verified while they come, and sent from files; what breaks goes on where it was."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ._generated.catalog_pb2 import BlobHeader, DownloadBlobRequest, GetUploadRequest, UploadBlobRequest
from .connection import DOWNLOAD, GET_UPLOAD, UPLOAD, Connection
from .errors import ServiceError, TransferAborted

CHUNK_BYTES = 1 << 20
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


class Artifacts:
    """The catalog as trainers use it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.moved = Moved()

    def download(self, digest: str, file: IO[bytes], abort: threading.Event) -> int:
        """Writes a blob to a file, and gives how many bytes it has.

        Raises OSError, TransferAborted, and ServiceError: NOT_FOUND, DATA_LOSS where other bytes arrived.
        """
        hash_ = hashlib.sha256()
        done = 0
        progress = _Patience()
        while True:
            try:
                for message in self._connection.receive(DOWNLOAD, DownloadBlobRequest(digest=digest, offset=done)):
                    file.write(message.chunk)
                    hash_.update(message.chunk)
                    done += len(message.chunk)
                    self.moved.downloaded += len(message.chunk)
                    progress.moved()
                    _check(abort)
                break
            except ServiceError as error:
                progress.wait_or_raise(error)
        file.flush()
        if f"sha256:{hash_.hexdigest()}" != digest:
            raise ServiceError("DATA_LOSS", f"blob {digest} arrived with other bytes", "BLOB_CORRUPTED")
        return done

    def upload(self, path: Path, abort: threading.Event) -> Blob:
        """Sends a file; where that breaks, it goes on behind what has arrived.

        Raises OSError, TransferAborted, and ServiceError: RESOURCE_EXHAUSTED (NO_SPACE) where there is no room.
        """
        blob = blob_of(path)
        progress = _Patience()
        offset = 0
        while True:
            try:
                self._connection.send(UPLOAD, self._parts(path, blob, offset, progress, abort), seconds=None)
                return blob
            except ServiceError as error:
                _check(abort)
                if error.reason != "UPLOAD_MOVED":
                    progress.wait_or_raise(error)
            offset = self._received(blob, progress, abort)

    def _received(self, blob: Blob, progress: _Patience, abort: threading.Event) -> int:
        while True:
            try:
                return self._connection.call(GET_UPLOAD, GetUploadRequest(digest=blob.digest), seconds=5, retry=False).received_bytes
            except ServiceError as error:
                _check(abort)
                if error.code == "UNIMPLEMENTED":
                    return 0
                progress.wait_or_raise(error)

    def _parts(self, path: Path, blob: Blob, offset: int, progress: _Patience, abort: threading.Event) -> Iterator[UploadBlobRequest]:
        yield UploadBlobRequest(header=BlobHeader(digest=blob.digest, size_bytes=blob.bytes, keep=True, offset=offset))
        with path.open("rb") as file:
            file.seek(offset)
            while chunk := file.read(CHUNK_BYTES):
                yield UploadBlobRequest(chunk=chunk)
                self.moved.uploaded += len(chunk)
                progress.moved()
                if abort.is_set():
                    # What the service has of it is not the blob that was announced: it keeps nothing.
                    return


def _check(abort: threading.Event) -> None:
    if abort.is_set():
        raise TransferAborted("the transfer was given up")


def blob_of(path: Path) -> Blob:
    """The digest and the size of a file."""
    hash_ = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            hash_.update(chunk)
            size += len(chunk)
    return Blob(f"sha256:{hash_.hexdigest()}", size)


class _Patience:
    """How long a transfer that breaks is tried again: until nothing has moved for ten seconds."""

    def __init__(self) -> None:
        self._moved_at = time.monotonic()

    def moved(self) -> None:
        self._moved_at = time.monotonic()

    def wait_or_raise(self, error: ServiceError) -> None:
        if error.code not in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED") or time.monotonic() - self._moved_at > _PATIENCE_SECONDS:
            raise error
        time.sleep(_PAUSE_SECONDS)
