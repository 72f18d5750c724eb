from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ArtifactKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ARTIFACT_KIND_UNSPECIFIED: _ClassVar[ArtifactKind]
    ARTIFACT_KIND_SOURCE: _ClassVar[ArtifactKind]
    ARTIFACT_KIND_DATASET: _ClassVar[ArtifactKind]
    ARTIFACT_KIND_MODEL: _ClassVar[ArtifactKind]
    ARTIFACT_KIND_EVALUATION: _ClassVar[ArtifactKind]
    ARTIFACT_KIND_SPLIT: _ClassVar[ArtifactKind]
    ARTIFACT_KIND_PREDICTION: _ClassVar[ArtifactKind]
    ARTIFACT_KIND_LOOKS: _ClassVar[ArtifactKind]
ARTIFACT_KIND_UNSPECIFIED: ArtifactKind
ARTIFACT_KIND_SOURCE: ArtifactKind
ARTIFACT_KIND_DATASET: ArtifactKind
ARTIFACT_KIND_MODEL: ArtifactKind
ARTIFACT_KIND_EVALUATION: ArtifactKind
ARTIFACT_KIND_SPLIT: ArtifactKind
ARTIFACT_KIND_PREDICTION: ArtifactKind
ARTIFACT_KIND_LOOKS: ArtifactKind

class Artifact(_message.Message):
    __slots__ = ("digest", "kind", "manifest", "recipe_key", "inputs", "size_bytes", "damaged", "published_at_ms", "stale", "annotations", "names")
    class AnnotationsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    RECIPE_KEY_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    DAMAGED_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    ANNOTATIONS_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    digest: str
    kind: ArtifactKind
    manifest: bytes
    recipe_key: str
    inputs: _containers.RepeatedScalarFieldContainer[str]
    size_bytes: int
    damaged: bool
    published_at_ms: int
    stale: bool
    annotations: _containers.ScalarMap[str, str]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, digest: _Optional[str] = ..., kind: _Optional[_Union[ArtifactKind, str]] = ..., manifest: _Optional[bytes] = ..., recipe_key: _Optional[str] = ..., inputs: _Optional[_Iterable[str]] = ..., size_bytes: _Optional[int] = ..., damaged: bool = ..., published_at_ms: _Optional[int] = ..., stale: bool = ..., annotations: _Optional[_Mapping[str, str]] = ..., names: _Optional[_Iterable[str]] = ...) -> None: ...
