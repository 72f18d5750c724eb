"""What the details of a gRPC status say, read without the generated code of google.rpc, which other packages have too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .errors import FieldViolation

_ERROR_INFO = b"type.googleapis.com/google.rpc.ErrorInfo"
_BAD_REQUEST = b"type.googleapis.com/google.rpc.BadRequest"


@dataclass(frozen=True)
class Details:
    """The reason of google.rpc.ErrorInfo ("" where there is none), and the violations of google.rpc.BadRequest."""

    reason: str = ""
    violations: tuple[FieldViolation, ...] = ()


def read_details(status: bytes) -> Details:
    """What `grpc-status-details-bin`, a google.rpc.Status, says; nothing where it is damaged.

    >>> info = bytes([10, 8]) + b"JOB_DONE"
    >>> read_details(bytes([26, 4 + 40 + len(info), 10, 40]) + _ERROR_INFO + bytes([18, len(info)]) + info)
    Details(reason='JOB_DONE', violations=())
    """
    reason = ""
    violations: list[FieldViolation] = []
    try:
        for number, detail in _fields(status):
            if number != 3:
                continue
            packed = dict(_fields(detail))
            if packed.get(1) == _ERROR_INFO:
                reason = dict(_fields(packed[2])).get(1, b"").decode()
            elif packed.get(1) == _BAD_REQUEST:
                for inner, violation in _fields(packed[2]):
                    if inner == 1:
                        told = dict(_fields(violation))
                        violations.append(FieldViolation(told.get(1, b"").decode(), told.get(2, b"").decode()))
    except (IndexError, KeyError, UnicodeDecodeError):
        pass
    return Details(reason, tuple(violations))


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
