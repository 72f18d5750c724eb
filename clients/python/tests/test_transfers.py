"""Blobs arrive whole, whatever breaks on their way, and are kept as files up to a limit."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import pytest

from kit import Proxy, System, digest_of
from ratatouille._generated.catalog_pb2 import DownloadBlobRequest, DownloadBlobResponse
from ratatouille.artifacts import Artifacts, Blob
from ratatouille.cache import Cache, CacheFullError
from ratatouille.connection import Connection
from ratatouille.content import FileContent
from ratatouille.errors import ServiceError, TransferAborted

NEVER = threading.Event()


@pytest.fixture
def proxy(system: System) -> Iterator[Proxy]:
    started = Proxy(system.address)
    yield started
    started.close()


def file_of(path: Path, size: int) -> tuple[Path, bytes]:
    data = os.urandom(size)
    path.write_bytes(data)
    return path, data


def test_an_upload_that_breaks_goes_on_behind_what_has_arrived(system: System, proxy: Proxy, tmp_path: Path) -> None:
    path, data = file_of(tmp_path / "blob", 40 << 20)
    artifacts = Artifacts(Connection(proxy.address))
    proxy.break_up = 32 << 20
    assert artifacts.upload(FileContent(path), NEVER) == Blob(digest_of(data), len(data))
    assert proxy.breaks == 1
    # Of the first 32 MiB all that had arrived was not sent again. A window of 8 MiB and the buffers of three sockets were on their way.
    assert len(data) <= artifacts.moved.uploaded < len(data) + (20 << 20)
    assert system.download(digest_of(data)) == data


def test_a_download_that_breaks_goes_on_where_it_was(system: System, proxy: Proxy, tmp_path: Path) -> None:
    data = os.urandom(12 << 20)
    digest = system.upload(data)
    artifacts = Artifacts(Connection(proxy.address))
    proxy.break_down = 6 << 20
    with (tmp_path / "blob").open("wb") as file:
        assert artifacts.download(digest, file, NEVER) == len(data)
    assert (proxy.breaks, artifacts.moved.downloaded) == (1, len(data))
    assert (tmp_path / "blob").read_bytes() == data


def test_a_transfer_that_nobody_waits_for_ends(system: System, tmp_path: Path) -> None:
    path, _ = file_of(tmp_path / "blob", 3 << 20)
    artifacts = Artifacts(system.connection)
    given_up = threading.Event()
    given_up.set()
    with pytest.raises(TransferAborted):
        artifacts.upload(FileContent(path), given_up)
    digest = system.upload(path.read_bytes())
    with pytest.raises(TransferAborted), (tmp_path / "other").open("wb") as file:
        artifacts.download(digest, file, given_up)


class Liar(grpc.GenericRpcHandler):
    """A catalog that gives the same bytes for every digest."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        def answer(request: DownloadBlobRequest, _: grpc.ServicerContext) -> Iterator[DownloadBlobResponse]:
            yield DownloadBlobResponse(chunk=b"other bytes")

        return grpc.unary_stream_rpc_method_handler(
            answer, request_deserializer=DownloadBlobRequest.FromString, response_serializer=DownloadBlobResponse.SerializeToString
        )


def test_bytes_that_do_not_have_their_digest_are_an_error(tmp_path: Path) -> None:
    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[Liar()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    cache = Cache(Artifacts(Connection(f"127.0.0.1:{port}")), tmp_path / "cache", 1 << 20)
    with pytest.raises(ServiceError, match=f"blob {digest_of(b'right')} arrived with other bytes") as told:
        cache.hold(Blob(digest_of(b"right"), 5), NEVER)
    assert (told.value.code, told.value.passing) == ("DATA_LOSS", False)
    # Nothing half-written stays.
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["lock"]
    server.stop(None)


@pytest.fixture
def blobs(system: System) -> list[Blob]:
    return [Blob(system.upload(bytes([i]) * 1000), 1000) for i in range(5)]


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir() if path.name != "lock"}


def name_of(blob: Blob) -> str:
    return blob.digest.removeprefix("sha256:")


def test_the_least_recently_used_files_leave_and_held_ones_stay(system: System, blobs: list[Blob], tmp_path: Path) -> None:
    cache = Cache(Artifacts(system.connection), tmp_path, 3000)
    held = [cache.hold(blob, NEVER) for blob in blobs[:3]]
    assert held[1].path.read_bytes() == bytes([1]) * 1000
    with pytest.raises(CacheFullError, match=r"more than the 0\.0 MiB that this trainer keeps on its disk"):
        cache.hold(blobs[3], NEVER)
    for age, file in enumerate(held):
        os.utime(file.path, (1000 - age, 1000 - age))
        file.release()
    cache.hold(blobs[0], NEVER).release()
    cache.hold(blobs[3], NEVER).release()
    assert names(tmp_path) == {name_of(blobs[i]) for i in (0, 1, 3)}


def test_trainers_share_a_directory(system: System, blobs: list[Blob], tmp_path: Path) -> None:
    first, second = (Cache(Artifacts(system.connection), tmp_path, 2000) for _ in range(2))
    held = first.hold(blobs[0], NEVER)
    second.hold(blobs[1], NEVER).release()
    second.hold(blobs[2], NEVER).release()
    # What the other one holds stayed.
    assert names(tmp_path) == {name_of(blobs[0]), name_of(blobs[2])}
    together = Artifacts(system.connection)
    shared = [Cache(together, tmp_path / "more", 5000) for _ in range(4)]
    with futures.ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda cache: cache.hold(blobs[3], NEVER).path, shared))
    assert len(set(paths)) == 1
    assert together.moved.downloaded == 1000
    held.release()


def test_files_from_before_are_looked_at_once(system: System, blobs: list[Blob], tmp_path: Path) -> None:
    artifacts = Artifacts(system.connection)
    (tmp_path / name_of(blobs[0])).write_bytes(bytes([0]) * 1000)
    (tmp_path / name_of(blobs[1])).write_bytes(b"damaged")
    (tmp_path / f"{name_of(blobs[2])}.{'0' * 32}.partial").write_bytes(b"left by a trainer that was killed")
    cache = Cache(artifacts, tmp_path, 5000)
    cache.hold(blobs[0], NEVER).release()
    assert artifacts.moved.downloaded == 0
    assert cache.hold(blobs[1], NEVER).path.read_bytes() == bytes([1]) * 1000
    assert names(tmp_path) == {name_of(blobs[0]), name_of(blobs[1])}


def test_files_that_are_there_anyway_are_used_where_they_are(system: System, blobs: list[Blob], tmp_path: Path) -> None:
    artifacts = Artifacts(system.connection)
    root = tmp_path / "root" / "deep"
    root.mkdir(parents=True)
    (root / "some.tar").write_bytes(bytes([4]) * 1000)
    (root / "same-size.tar").write_bytes(b"x" * 1000)
    cache = Cache(artifacts, tmp_path / "cache", 5000, tmp_path / "root")
    assert cache.hold(blobs[4], NEVER).path == root / "some.tar"
    assert artifacts.moved.downloaded == 0
    assert cache.hold(blobs[3], NEVER).path.parent == tmp_path / "cache"


def test_a_file_is_held_by_a_lock_that_ends_with_its_process(system: System, blobs: list[Blob], tmp_path: Path) -> None:
    held = Cache(Artifacts(system.connection), tmp_path, 1000).hold(blobs[0], NEVER)
    with held.path.open("rb") as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held.release()
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
