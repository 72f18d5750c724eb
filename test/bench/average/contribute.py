"""Contributes safetensors files to a session of the averaging service, as a client in Python does. Prints seconds and bytes as JSON.

Usage: contribute.py STUBS ADDRESS SESSION SECRET AT_ONCE TIMES FILE…   Every file is contributed so often, so many at once.
"""

import concurrent.futures
import hashlib
import json
import sys
import threading
import time
import zlib

import grpc

stubs, address, session, secret, at_once, times, *paths = sys.argv[1:]
sys.path.insert(0, stubs)
from ratatouille.v1 import averaging_pb2 as messages  # noqa: E402
from ratatouille.v1 import averaging_pb2_grpc as services  # noqa: E402

CHUNK = 1 << 20


def digest_of(path):
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


class Allowance:
    """From where the server wants bytes, and up to where they may be sent."""

    def __init__(self):
        self.changed = threading.Condition()
        self.offset = None
        self.until = 0
        self.over = False

    def set(self, offset, until):
        with self.changed:
            self.offset = offset if self.offset is None else self.offset
            self.until = until
            self.changed.notify()

    def end(self):
        with self.changed:
            self.over = True
            self.changed.notify()

    def wait_for(self, end):
        with self.changed:
            self.changed.wait_for(lambda: self.over or (self.offset is not None and self.until >= end))
            return not self.over


def contribute(stub, contributor, path, size, digest):
    allowance = Allowance()

    def requests():
        header = messages.ContributionHeader(
            session_id=session, secret=secret, contributor=contributor, size_bytes=size, digest=digest
        )
        yield messages.ContributeRequest(header=header)
        if not allowance.wait_for(0):
            return
        with open(path, "rb") as file:
            at = file.seek(allowance.offset)
            while data := file.read(CHUNK):
                at += len(data)
                if not allowance.wait_for(at):
                    return
                chunk = messages.ContributionChunk(data=data, crc32=zlib.crc32(data))
                yield messages.ContributeRequest(chunk=chunk)

    try:
        for response in stub.Contribute(requests()):
            if response.HasField("send"):
                allowance.set(response.send.offset, response.send.until)
            else:
                return
    finally:
        allowance.end()
    raise RuntimeError("the server ended without an answer")


def size_of(path):
    with open(path, "rb") as file:
        return file.seek(0, 2)


files = [(path, size_of(path), digest_of(path)) for path in paths]
work = [(f"contributor-{turn}-{k}", *file) for turn in range(int(times)) for k, file in enumerate(files)]
with grpc.insecure_channel(address) as channel:
    grpc.channel_ready_future(channel).result(timeout=30)
    stub = services.AveragingServiceStub(channel)
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(int(at_once)) as pool:
        for one in [pool.submit(contribute, stub, *task) for task in work]:
            one.result()
    print(json.dumps({"seconds": time.monotonic() - begin, "bytes": sum(size for _, _, size, _ in work)}))
