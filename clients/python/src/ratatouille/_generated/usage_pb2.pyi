from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Usage(_message.Message):
    __slots__ = ("peak_memory_bytes", "received_bytes", "sent_bytes", "downloaded_bytes", "uploaded_bytes")
    PEAK_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_BYTES_FIELD_NUMBER: _ClassVar[int]
    SENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    DOWNLOADED_BYTES_FIELD_NUMBER: _ClassVar[int]
    UPLOADED_BYTES_FIELD_NUMBER: _ClassVar[int]
    peak_memory_bytes: int
    received_bytes: int
    sent_bytes: int
    downloaded_bytes: int
    uploaded_bytes: int
    def __init__(self, peak_memory_bytes: _Optional[int] = ..., received_bytes: _Optional[int] = ..., sent_bytes: _Optional[int] = ..., downloaded_bytes: _Optional[int] = ..., uploaded_bytes: _Optional[int] = ...) -> None: ...
