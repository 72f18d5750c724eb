"""The reason in the details of a gRPC status: google.rpc.ErrorInfo, read without its generated code, which other packages have too."""

from __future__ import annotations

from collections.abc import Iterator

_ERROR_INFO = b"type.googleapis.com/google.rpc.ErrorInfo"


def reason_in(details: bytes) -> str:
    """The reason in `grpc-status-details-bin`, a google.rpc.Status; "" where there is none, or where they are damaged.

    >>> info = bytes([10, 8]) + b"JOB_DONE"
    >>> reason_in(bytes([26, 4 + 40 + len(info), 10, 40]) + _ERROR_INFO + bytes([18, len(info)]) + info)
    'JOB_DONE'
    """
    try:
        for number, detail in _fields(details):
            if number != 3:
                continue
            packed = dict(_fields(detail))
            if packed.get(1) == _ERROR_INFO:
                return dict(_fields(packed[2])).get(1, b"").decode()
    except (IndexError, KeyError, UnicodeDecodeError):
        pass
    return ""


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Fields with a length, in their order; numbers are passed over."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        if tag & 7 == 0:
            _, at = _varint(message, at)
            continue
        if tag & 7 != 2:
            raise IndexError
        length, at = _varint(message, at)
        yield tag >> 3, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
