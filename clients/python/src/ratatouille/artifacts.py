"""Blobs of the catalog: brought to files, verified while they come, and sent from files; what breaks goes on where it was."""

from __future__ import annotations

import hashlib
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ._generated.catalog_pb2 import BlobHeader, ChunkCopy, DownloadBlobRequest, FindMissingRequest, GetUploadRequest, UploadBlobRequest
from ._generated.chunk_pb2 import CheckedChunk
from .connection import DOWNLOAD, FIND_MISSING, GET_UPLOAD, UPLOAD, Connection
from .content import Chunk, Content
from .errors import ServiceError, TransferAborted

#: So long a transfer that breaks is taken up again, from the last byte that moved, in seconds.
_PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = 0.25
#: Chunks of one FindMissing.
_ASKED_AT_ONCE = 65_536
#: After these the same upload may succeed.
_AGAIN = ("CHUNK_MISSING", "CHUNK_DAMAGED", "UPLOAD_MOVED", "TAKEN_OVER")


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
        """Sends of a content what the catalog lacks: nothing where it is there, and of weights only the pieces of tensors that no other
        file there has. Where that breaks, it goes on behind what has arrived. `moved` hears how many bytes are on their way or there.

        Raises OSError, TransferAborted, and ServiceError: RESOURCE_EXHAUSTED (NO_SPACE) where there is no room.
        """
        blob = Blob(content.digest, content.size)
        progress = Patience()
        while True:
            try:
                missing = self._missing(content, abort)
                if missing is None:
                    return blob
                offset = self._connection.call(GET_UPLOAD, GetUploadRequest(digest=blob.digest), retry=False).received_bytes
                self._connection.send(UPLOAD, self._parts(content, missing, offset, progress, abort, moved), seconds=None)
                return blob
            except ServiceError as error:
                _check(abort)
                progress.wait_or_raise(error, again=error.reason in _AGAIN)

    def _missing(self, content: Content, abort: threading.Event) -> list[tuple[Chunk, bytes]] | None:
        """All chunks, with the sha-256 of those that are there; None where the whole is. An earlier version gets everything."""
        try:
            if not self._connection.call(FIND_MISSING, FindMissingRequest(blobs=[content.digest])).blobs:
                return None
            chunks = content.chunks()
            shared = [chunk for chunk in chunks if chunk.shared]
            sums = [hashlib.sha256(data).digest() for data in content.read((chunk.offset, chunk.length) for chunk in shared)]
            lacking: set[int] = set()
            for begin in range(0, len(sums), _ASKED_AT_ONCE):
                _check(abort)
                answer = self._connection.call(FIND_MISSING, FindMissingRequest(chunks=sums[begin : begin + _ASKED_AT_ONCE]))
                lacking.update(begin + position for position in answer.chunks)
            there = {chunk.offset: sums[i] for i, chunk in enumerate(shared) if i not in lacking}
            return [(chunk, there.get(chunk.offset, b"")) for chunk in chunks]
        except ServiceError as error:
            if error.code != "UNIMPLEMENTED":
                raise
            return [(chunk, b"") for chunk in content.chunks()]

    def _parts(
        self,
        content: Content,
        chunks: list[tuple[Chunk, bytes]],
        offset: int,
        progress: Patience,
        abort: threading.Event,
        moved: Callable[[int], None],
    ) -> Iterator[UploadBlobRequest]:
        yield UploadBlobRequest(header=BlobHeader(digest=content.digest, size_bytes=content.size, keep=True, offset=offset))
        # Of a chunk that has come in part the rest is sent.
        plan = [
            (max(offset, chunk.offset), chunk.offset + chunk.length, sha256 if chunk.offset >= offset else b"")
            for chunk, sha256 in chunks
            if chunk.offset + chunk.length > offset
        ]
        sent = content.read((begin, end - begin) for begin, end, sha256 in plan if not sha256)
        for begin, end, sha256 in plan:
            if abort.is_set():
                # What the service has of it is not the blob that was announced: it keeps nothing.
                return
            if sha256:
                yield UploadBlobRequest(copy=ChunkCopy(sha256=sha256, size_bytes=end - begin))
            else:
                data = next(sent)
                yield UploadBlobRequest(checked=CheckedChunk(data=data, crc32=zlib.crc32(data)))
                self.moved.uploaded += len(data)
            progress.moved()
            moved(end)


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
