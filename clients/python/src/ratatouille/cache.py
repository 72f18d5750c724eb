"""Blobs as files of this machine, by their digests, up to a limit. All trainers of a machine share a directory.

A file is held by a shared lock on it; who makes room takes an exclusive one, so that what anybody holds stays. Locks end with their
process, however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from .artifacts import Artifacts, Blob
from .content import WINDOW_BYTES
from .errors import ElsewhereError


class CacheFullError(ElsewhereError):
    """The files of one job are more than the cache may hold."""


@dataclass(frozen=True)
class HeldFile:
    """A file that stays until it is let go."""

    path: Path
    descriptor: int = -1

    def release(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)


class Cache:
    """Files of blobs in `directory`, together `most` bytes at most; the least recently used ones leave first.

    A file that is there from before is looked at once, whole, before it is used.

    :param data_root: a directory whose files are used where they are, where their bytes are those of a blob
    """

    def __init__(self, artifacts: Artifacts, directory: Path, most: int, data_root: Path | None = None) -> None:
        self._artifacts = artifacts
        self._directory = directory
        self._most = most
        self._root = None if data_root is None else _Root(data_root)
        self._seen: set[str] = set()

    def hold(self, blob: Blob, abort: threading.Event) -> HeldFile:
        """The file of a blob. Raises CacheFullError, ServiceError, TransferAborted, OSError."""
        found = None if self._root is None else self._root.find(blob)
        if found is not None:
            return HeldFile(found)
        self._directory.mkdir(parents=True, exist_ok=True)
        name = blob.digest.removeprefix("sha256:")
        path = self._directory / name
        while True:
            held = self._held(path, blob)
            if held is not None:
                return held
            # One trainer brings it, the others wait.
            with _locked(self._directory / f"{name}.lock"):
                held = self._held(path, blob)
                if held is not None:
                    return held
                self._bring(path, blob, abort)

    def _held(self, path: Path, blob: Blob) -> HeldFile | None:
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        # It may have left before the lock was there.
        with contextlib.suppress(FileNotFoundError):
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                if blob.digest in self._seen or _digest_of(path) == blob.digest:
                    self._seen.add(blob.digest)
                    os.utime(path)
                    return HeldFile(path, descriptor)
                path.unlink()
        os.close(descriptor)
        return None

    def _bring(self, path: Path, blob: Blob, abort: threading.Event) -> None:
        temporary = self._directory / f"{path.name}.{uuid4().hex}.partial"
        try:
            with contextlib.ExitStack() as stack:
                with _locked(self._directory / "lock"):
                    self._make_room(blob)
                    file = stack.enter_context(temporary.open("wb"))
                    # Held, so that nobody removes it, and as large as it will be, so that it counts.
                    fcntl.flock(file, fcntl.LOCK_SH)
                    file.truncate(blob.bytes)
                self._artifacts.download(blob.digest, file, abort)
                temporary.replace(path)
                self._seen.add(blob.digest)
        finally:
            temporary.unlink(missing_ok=True)

    def _make_room(self, blob: Blob) -> None:
        entries = sorted(self._entries(), key=lambda entry: entry[1].st_mtime)
        used = sum(found.st_size for _, found in entries)
        for path, found in entries:
            # What is left of a download that was killed goes at once.
            if (used + blob.bytes > self._most or path.name.endswith(".partial")) and _remove_unused(path):
                used -= found.st_size
        if used + blob.bytes > self._most:
            raise CacheFullError(
                f"the files of this job need more than the {_mib(self._most)} that this trainer keeps on its disk: "
                f"{_mib(used)} are in use and {_mib(blob.bytes)} come to them; --disk-cache says how much it may keep"
            )

    def _entries(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self._directory.iterdir():
            if re.fullmatch(r"[0-9a-f]{64}(\.[0-9a-f]{32}\.partial)?", path.name):
                with contextlib.suppress(FileNotFoundError):
                    yield path, path.stat()


def _remove_unused(path: Path) -> bool:
    """Removes a file that nobody holds."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)


class _Root:
    """Files that are there anyway, found by what is in them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._digests: dict[tuple[Path, int, int], str] = {}

    def find(self, blob: Blob) -> Path | None:
        candidates: list[Path] = []
        for folder, _, names in os.walk(self._directory, followlinks=True):
            for name in names:
                path = Path(folder, name)
                with contextlib.suppress(OSError):
                    if path.stat().st_size == blob.bytes:
                        candidates.append(path)
        # First that whose name is the digest.
        candidates.sort(key=lambda path: not path.name.endswith(blob.digest.removeprefix("sha256:")))
        for path in candidates:
            with contextlib.suppress(OSError):
                found = path.stat()
                key = (path, found.st_size, found.st_mtime_ns)
                if key not in self._digests:
                    self._digests[key] = _digest_of(path)
                if self._digests[key] == blob.digest:
                    return path
        return None


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds a lock; its file stays, empty, for whoever wants it next."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                same = os.fstat(descriptor).st_ino == path.stat().st_ino
            except FileNotFoundError:
                same = False
            if same:
                try:
                    yield
                finally:
                    if path.name != "lock":
                        path.unlink(missing_ok=True)
                return
        finally:
            os.close(descriptor)
        time.sleep(0)


def _digest_of(path: Path) -> str:
    hash_ = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(WINDOW_BYTES):
            hash_.update(chunk)
    return f"sha256:{hash_.hexdigest()}"


def _mib(count: int) -> str:
    return f"{count / 2**20:.1f} MiB"
