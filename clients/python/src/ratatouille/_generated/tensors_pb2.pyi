from . import chunk_pb2 as _chunk_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReadTensorsRequest(_message.Message):
    __slots__ = ("digest", "recipe_key", "ref", "tensors", "describe_only")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    RECIPE_KEY_FIELD_NUMBER: _ClassVar[int]
    REF_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    DESCRIBE_ONLY_FIELD_NUMBER: _ClassVar[int]
    digest: str
    recipe_key: str
    ref: str
    tensors: _containers.RepeatedCompositeFieldContainer[TensorSelection]
    describe_only: bool
    def __init__(self, digest: _Optional[str] = ..., recipe_key: _Optional[str] = ..., ref: _Optional[str] = ..., tensors: _Optional[_Iterable[_Union[TensorSelection, _Mapping]]] = ..., describe_only: bool = ...) -> None: ...

class TensorSelection(_message.Message):
    __slots__ = ("name", "slices")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SLICES_FIELD_NUMBER: _ClassVar[int]
    name: str
    slices: _containers.RepeatedCompositeFieldContainer[TensorSlice]
    def __init__(self, name: _Optional[str] = ..., slices: _Optional[_Iterable[_Union[TensorSlice, _Mapping]]] = ...) -> None: ...

class TensorSlice(_message.Message):
    __slots__ = ("begin", "end")
    BEGIN_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    begin: int
    end: int
    def __init__(self, begin: _Optional[int] = ..., end: _Optional[int] = ...) -> None: ...

class ReadTensorsResponse(_message.Message):
    __slots__ = ("header", "tensor", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TENSOR_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: ReadTensorsHeader
    tensor: TensorDescription
    chunk: _chunk_pb2.CheckedChunk
    def __init__(self, header: _Optional[_Union[ReadTensorsHeader, _Mapping]] = ..., tensor: _Optional[_Union[TensorDescription, _Mapping]] = ..., chunk: _Optional[_Union[_chunk_pb2.CheckedChunk, _Mapping]] = ...) -> None: ...

class ReadTensorsHeader(_message.Message):
    __slots__ = ("artifact", "blob", "metadata", "tensors", "size_bytes")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    artifact: str
    blob: str
    metadata: _containers.ScalarMap[str, str]
    tensors: int
    size_bytes: int
    def __init__(self, artifact: _Optional[str] = ..., blob: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., tensors: _Optional[int] = ..., size_bytes: _Optional[int] = ...) -> None: ...

class TensorDescription(_message.Message):
    __slots__ = ("name", "dtype", "shape", "full_shape", "size_bytes", "blob_offset")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    FULL_SHAPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    BLOB_OFFSET_FIELD_NUMBER: _ClassVar[int]
    name: str
    dtype: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    full_shape: _containers.RepeatedScalarFieldContainer[int]
    size_bytes: int
    blob_offset: int
    def __init__(self, name: _Optional[str] = ..., dtype: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., full_shape: _Optional[_Iterable[int]] = ..., size_bytes: _Optional[int] = ..., blob_offset: _Optional[int] = ...) -> None: ...
