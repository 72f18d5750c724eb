from . import artifact_pb2 as _artifact_pb2
from . import chunk_pb2 as _chunk_pb2
from . import tensors_pb2 as _tensors_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LineageDirection(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINEAGE_DIRECTION_UNSPECIFIED: _ClassVar[LineageDirection]
    LINEAGE_DIRECTION_ANCESTORS: _ClassVar[LineageDirection]
    LINEAGE_DIRECTION_DESCENDANTS: _ClassVar[LineageDirection]

class LineageFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINEAGE_FORMAT_UNSPECIFIED: _ClassVar[LineageFormat]
    LINEAGE_FORMAT_CYCLONEDX: _ClassVar[LineageFormat]
    LINEAGE_FORMAT_PROV: _ClassVar[LineageFormat]
LINEAGE_DIRECTION_UNSPECIFIED: LineageDirection
LINEAGE_DIRECTION_ANCESTORS: LineageDirection
LINEAGE_DIRECTION_DESCENDANTS: LineageDirection
LINEAGE_FORMAT_UNSPECIFIED: LineageFormat
LINEAGE_FORMAT_CYCLONEDX: LineageFormat
LINEAGE_FORMAT_PROV: LineageFormat

class UploadBlobRequest(_message.Message):
    __slots__ = ("header", "chunk", "checked", "copy")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    CHECKED_FIELD_NUMBER: _ClassVar[int]
    COPY_FIELD_NUMBER: _ClassVar[int]
    header: BlobHeader
    chunk: bytes
    checked: _chunk_pb2.CheckedChunk
    copy: ChunkCopy
    def __init__(self, header: _Optional[_Union[BlobHeader, _Mapping]] = ..., chunk: _Optional[bytes] = ..., checked: _Optional[_Union[_chunk_pb2.CheckedChunk, _Mapping]] = ..., copy: _Optional[_Union[ChunkCopy, _Mapping]] = ...) -> None: ...

class ChunkCopy(_message.Message):
    __slots__ = ("sha256", "size_bytes")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    sha256: bytes
    size_bytes: int
    def __init__(self, sha256: _Optional[bytes] = ..., size_bytes: _Optional[int] = ...) -> None: ...

class FindMissingRequest(_message.Message):
    __slots__ = ("blobs", "chunks")
    BLOBS_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    blobs: _containers.RepeatedScalarFieldContainer[str]
    chunks: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, blobs: _Optional[_Iterable[str]] = ..., chunks: _Optional[_Iterable[bytes]] = ...) -> None: ...

class FindMissingResponse(_message.Message):
    __slots__ = ("blobs", "chunks")
    BLOBS_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    blobs: _containers.RepeatedScalarFieldContainer[str]
    chunks: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, blobs: _Optional[_Iterable[str]] = ..., chunks: _Optional[_Iterable[int]] = ...) -> None: ...

class BlobHeader(_message.Message):
    __slots__ = ("digest", "size_bytes", "keep", "offset", "given_file")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    GIVEN_FILE_FIELD_NUMBER: _ClassVar[int]
    digest: str
    size_bytes: int
    keep: bool
    offset: int
    given_file: str
    def __init__(self, digest: _Optional[str] = ..., size_bytes: _Optional[int] = ..., keep: bool = ..., offset: _Optional[int] = ..., given_file: _Optional[str] = ...) -> None: ...

class GetUploadRequest(_message.Message):
    __slots__ = ("digest",)
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    digest: str
    def __init__(self, digest: _Optional[str] = ...) -> None: ...

class GetUploadResponse(_message.Message):
    __slots__ = ("received_bytes", "size_bytes")
    RECEIVED_BYTES_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    received_bytes: int
    size_bytes: int
    def __init__(self, received_bytes: _Optional[int] = ..., size_bytes: _Optional[int] = ...) -> None: ...

class UploadBlobResponse(_message.Message):
    __slots__ = ("digest", "size_bytes")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    digest: str
    size_bytes: int
    def __init__(self, digest: _Optional[str] = ..., size_bytes: _Optional[int] = ...) -> None: ...

class DownloadBlobRequest(_message.Message):
    __slots__ = ("digest", "offset", "length")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    digest: str
    offset: int
    length: int
    def __init__(self, digest: _Optional[str] = ..., offset: _Optional[int] = ..., length: _Optional[int] = ...) -> None: ...

class DownloadBlobResponse(_message.Message):
    __slots__ = ("chunk",)
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    def __init__(self, chunk: _Optional[bytes] = ...) -> None: ...

class PublishArtifactRequest(_message.Message):
    __slots__ = ("manifest", "blobs")
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    BLOBS_FIELD_NUMBER: _ClassVar[int]
    manifest: bytes
    blobs: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, manifest: _Optional[bytes] = ..., blobs: _Optional[_Iterable[bytes]] = ...) -> None: ...

class PublishArtifactResponse(_message.Message):
    __slots__ = ("artifact", "existed")
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    EXISTED_FIELD_NUMBER: _ClassVar[int]
    artifact: _artifact_pb2.Artifact
    existed: bool
    def __init__(self, artifact: _Optional[_Union[_artifact_pb2.Artifact, _Mapping]] = ..., existed: bool = ...) -> None: ...

class ImportModelRequest(_message.Message):
    __slots__ = ("files", "licence", "source", "architecture", "base")
    FILES_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[ImportedFile]
    licence: str
    source: str
    architecture: str
    base: str
    def __init__(self, files: _Optional[_Iterable[_Union[ImportedFile, _Mapping]]] = ..., licence: _Optional[str] = ..., source: _Optional[str] = ..., architecture: _Optional[str] = ..., base: _Optional[str] = ...) -> None: ...

class ImportedFile(_message.Message):
    __slots__ = ("digest",)
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    digest: str
    def __init__(self, digest: _Optional[str] = ...) -> None: ...

class ImportModelResponse(_message.Message):
    __slots__ = ("artifact", "existed")
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    EXISTED_FIELD_NUMBER: _ClassVar[int]
    artifact: _artifact_pb2.Artifact
    existed: bool
    def __init__(self, artifact: _Optional[_Union[_artifact_pb2.Artifact, _Mapping]] = ..., existed: bool = ...) -> None: ...

class GetArtifactRequest(_message.Message):
    __slots__ = ("digest", "recipe_key", "ref", "include_damaged")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    RECIPE_KEY_FIELD_NUMBER: _ClassVar[int]
    REF_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_DAMAGED_FIELD_NUMBER: _ClassVar[int]
    digest: str
    recipe_key: str
    ref: str
    include_damaged: bool
    def __init__(self, digest: _Optional[str] = ..., recipe_key: _Optional[str] = ..., ref: _Optional[str] = ..., include_damaged: bool = ...) -> None: ...

class GetArtifactResponse(_message.Message):
    __slots__ = ("artifact",)
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    artifact: _artifact_pb2.Artifact
    def __init__(self, artifact: _Optional[_Union[_artifact_pb2.Artifact, _Mapping]] = ...) -> None: ...

class FindArtifactsRequest(_message.Message):
    __slots__ = ("recipe_keys",)
    RECIPE_KEYS_FIELD_NUMBER: _ClassVar[int]
    recipe_keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, recipe_keys: _Optional[_Iterable[str]] = ...) -> None: ...

class FindArtifactsResponse(_message.Message):
    __slots__ = ("artifacts", "answered")
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_FIELD_NUMBER: _ClassVar[int]
    artifacts: _containers.RepeatedCompositeFieldContainer[_artifact_pb2.Artifact]
    answered: int
    def __init__(self, artifacts: _Optional[_Iterable[_Union[_artifact_pb2.Artifact, _Mapping]]] = ..., answered: _Optional[int] = ...) -> None: ...

class ListArtifactsRequest(_message.Message):
    __slots__ = ("kind", "page_size", "page_token", "filter", "order_by")
    KIND_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    kind: _artifact_pb2.ArtifactKind
    page_size: int
    page_token: str
    filter: str
    order_by: str
    def __init__(self, kind: _Optional[_Union[_artifact_pb2.ArtifactKind, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ...) -> None: ...

class ListArtifactsResponse(_message.Message):
    __slots__ = ("artifacts", "next_page_token")
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    artifacts: _containers.RepeatedCompositeFieldContainer[_artifact_pb2.Artifact]
    next_page_token: str
    def __init__(self, artifacts: _Optional[_Iterable[_Union[_artifact_pb2.Artifact, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetLineageRequest(_message.Message):
    __slots__ = ("digest", "depth", "direction", "members_only", "page_size", "page_token")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_ONLY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    digest: str
    depth: int
    direction: LineageDirection
    members_only: bool
    page_size: int
    page_token: str
    def __init__(self, digest: _Optional[str] = ..., depth: _Optional[int] = ..., direction: _Optional[_Union[LineageDirection, str]] = ..., members_only: bool = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetLineageResponse(_message.Message):
    __slots__ = ("artifacts", "next_page_token")
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    artifacts: _containers.RepeatedCompositeFieldContainer[_artifact_pb2.Artifact]
    next_page_token: str
    def __init__(self, artifacts: _Optional[_Iterable[_Union[_artifact_pb2.Artifact, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class FindCommonAncestorsRequest(_message.Message):
    __slots__ = ("digests",)
    DIGESTS_FIELD_NUMBER: _ClassVar[int]
    digests: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, digests: _Optional[_Iterable[str]] = ...) -> None: ...

class FindCommonAncestorsResponse(_message.Message):
    __slots__ = ("artifacts",)
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    artifacts: _containers.RepeatedCompositeFieldContainer[_artifact_pb2.Artifact]
    def __init__(self, artifacts: _Optional[_Iterable[_Union[_artifact_pb2.Artifact, _Mapping]]] = ...) -> None: ...

class Tag(_message.Message):
    __slots__ = ("name", "digest", "tagged_at_ms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    TAGGED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    tagged_at_ms: int
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ..., tagged_at_ms: _Optional[int] = ...) -> None: ...

class CreateTagRequest(_message.Message):
    __slots__ = ("name", "digest")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ...) -> None: ...

class CreateTagResponse(_message.Message):
    __slots__ = ("tag",)
    TAG_FIELD_NUMBER: _ClassVar[int]
    tag: Tag
    def __init__(self, tag: _Optional[_Union[Tag, _Mapping]] = ...) -> None: ...

class DeleteTagRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteTagResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTagsRequest(_message.Message):
    __slots__ = ("prefix", "page_size", "page_token")
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    page_size: int
    page_token: str
    def __init__(self, prefix: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTagsResponse(_message.Message):
    __slots__ = ("tags", "next_page_token")
    TAGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    tags: _containers.RepeatedCompositeFieldContainer[Tag]
    next_page_token: str
    def __init__(self, tags: _Optional[_Iterable[_Union[Tag, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class AnnotateArtifactRequest(_message.Message):
    __slots__ = ("digest", "set", "remove")
    class SetEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    REMOVE_FIELD_NUMBER: _ClassVar[int]
    digest: str
    set: _containers.ScalarMap[str, str]
    remove: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, digest: _Optional[str] = ..., set: _Optional[_Mapping[str, str]] = ..., remove: _Optional[_Iterable[str]] = ...) -> None: ...

class AnnotateArtifactResponse(_message.Message):
    __slots__ = ("artifact",)
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    artifact: _artifact_pb2.Artifact
    def __init__(self, artifact: _Optional[_Union[_artifact_pb2.Artifact, _Mapping]] = ...) -> None: ...

class Ref(_message.Message):
    __slots__ = ("name", "digest", "history")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    history: _containers.RepeatedCompositeFieldContainer[RefMove]
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ..., history: _Optional[_Iterable[_Union[RefMove, _Mapping]]] = ...) -> None: ...

class RefMove(_message.Message):
    __slots__ = ("digest", "reason", "moved_at")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MOVED_AT_FIELD_NUMBER: _ClassVar[int]
    digest: str
    reason: str
    moved_at: int
    def __init__(self, digest: _Optional[str] = ..., reason: _Optional[str] = ..., moved_at: _Optional[int] = ...) -> None: ...

class MoveRefRequest(_message.Message):
    __slots__ = ("name", "to", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    to: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., to: _Optional[str] = ..., reason: _Optional[str] = ..., **kwargs) -> None: ...

class MoveRefResponse(_message.Message):
    __slots__ = ("ref",)
    REF_FIELD_NUMBER: _ClassVar[int]
    ref: Ref
    def __init__(self, ref: _Optional[_Union[Ref, _Mapping]] = ...) -> None: ...

class ListRefsRequest(_message.Message):
    __slots__ = ("prefix", "page_size", "page_token")
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    page_size: int
    page_token: str
    def __init__(self, prefix: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRefsResponse(_message.Message):
    __slots__ = ("refs", "next_page_token")
    REFS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    refs: _containers.RepeatedCompositeFieldContainer[Ref]
    next_page_token: str
    def __init__(self, refs: _Optional[_Iterable[_Union[Ref, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class PinRequest(_message.Message):
    __slots__ = ("holder", "digests")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    DIGESTS_FIELD_NUMBER: _ClassVar[int]
    holder: str
    digests: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, holder: _Optional[str] = ..., digests: _Optional[_Iterable[str]] = ...) -> None: ...

class PinResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UnpinRequest(_message.Message):
    __slots__ = ("holder", "digests", "discard")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    DIGESTS_FIELD_NUMBER: _ClassVar[int]
    DISCARD_FIELD_NUMBER: _ClassVar[int]
    holder: str
    digests: _containers.RepeatedScalarFieldContainer[str]
    discard: bool
    def __init__(self, holder: _Optional[str] = ..., digests: _Optional[_Iterable[str]] = ..., discard: bool = ...) -> None: ...

class UnpinResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DeleteArtifactRequest(_message.Message):
    __slots__ = ("digest",)
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    digest: str
    def __init__(self, digest: _Optional[str] = ...) -> None: ...

class DeleteArtifactResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CollectGarbageRequest(_message.Message):
    __slots__ = ("dry_run", "min_age_seconds")
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    MIN_AGE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    dry_run: bool
    min_age_seconds: int
    def __init__(self, dry_run: bool = ..., min_age_seconds: _Optional[int] = ...) -> None: ...

class CollectGarbageResponse(_message.Message):
    __slots__ = ("artifacts", "blobs", "freed_bytes", "young_artifacts", "young_blobs", "young_bytes")
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    BLOBS_FIELD_NUMBER: _ClassVar[int]
    FREED_BYTES_FIELD_NUMBER: _ClassVar[int]
    YOUNG_ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    YOUNG_BLOBS_FIELD_NUMBER: _ClassVar[int]
    YOUNG_BYTES_FIELD_NUMBER: _ClassVar[int]
    artifacts: _containers.RepeatedScalarFieldContainer[str]
    blobs: _containers.RepeatedScalarFieldContainer[str]
    freed_bytes: int
    young_artifacts: int
    young_blobs: int
    young_bytes: int
    def __init__(self, artifacts: _Optional[_Iterable[str]] = ..., blobs: _Optional[_Iterable[str]] = ..., freed_bytes: _Optional[int] = ..., young_artifacts: _Optional[int] = ..., young_blobs: _Optional[int] = ..., young_bytes: _Optional[int] = ...) -> None: ...

class ExportLineageRequest(_message.Message):
    __slots__ = ("artifact", "format")
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    artifact: str
    format: LineageFormat
    def __init__(self, artifact: _Optional[str] = ..., format: _Optional[_Union[LineageFormat, str]] = ...) -> None: ...

class ExportLineageResponse(_message.Message):
    __slots__ = ("chunk",)
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    def __init__(self, chunk: _Optional[bytes] = ...) -> None: ...

class DiffArtifactsRequest(_message.Message):
    __slots__ = ("to", "tensors")
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    to: str
    tensors: bool
    def __init__(self, to: _Optional[str] = ..., tensors: bool = ..., **kwargs) -> None: ...

class DiffArtifactsResponse(_message.Message):
    __slots__ = ("artifacts", "recipe", "metric", "progress", "tensor")
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    TENSOR_FIELD_NUMBER: _ClassVar[int]
    artifacts: DiffedArtifacts
    recipe: RecipeDifference
    metric: MetricDifference
    progress: DiffProgress
    tensor: TensorDifference
    def __init__(self, artifacts: _Optional[_Union[DiffedArtifacts, _Mapping]] = ..., recipe: _Optional[_Union[RecipeDifference, _Mapping]] = ..., metric: _Optional[_Union[MetricDifference, _Mapping]] = ..., progress: _Optional[_Union[DiffProgress, _Mapping]] = ..., tensor: _Optional[_Union[TensorDifference, _Mapping]] = ...) -> None: ...

class DiffedArtifacts(_message.Message):
    __slots__ = ("to",)
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    to: str
    def __init__(self, to: _Optional[str] = ..., **kwargs) -> None: ...

class RecipeDifference(_message.Message):
    __slots__ = ("path", "to")
    PATH_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    path: str
    to: str
    def __init__(self, path: _Optional[str] = ..., to: _Optional[str] = ..., **kwargs) -> None: ...

class MetricDifference(_message.Message):
    __slots__ = ("name", "to")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    name: str
    to: float
    def __init__(self, name: _Optional[str] = ..., to: _Optional[float] = ..., **kwargs) -> None: ...

class DiffProgress(_message.Message):
    __slots__ = ("read_bytes", "total_bytes")
    READ_BYTES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    read_bytes: int
    total_bytes: int
    def __init__(self, read_bytes: _Optional[int] = ..., total_bytes: _Optional[int] = ...) -> None: ...

class TensorDifference(_message.Message):
    __slots__ = ("name", "from_dtype", "to_dtype", "from_shape", "to_shape", "norms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FROM_DTYPE_FIELD_NUMBER: _ClassVar[int]
    TO_DTYPE_FIELD_NUMBER: _ClassVar[int]
    FROM_SHAPE_FIELD_NUMBER: _ClassVar[int]
    TO_SHAPE_FIELD_NUMBER: _ClassVar[int]
    NORMS_FIELD_NUMBER: _ClassVar[int]
    name: str
    from_dtype: str
    to_dtype: str
    from_shape: _containers.RepeatedScalarFieldContainer[int]
    to_shape: _containers.RepeatedScalarFieldContainer[int]
    norms: TensorNorms
    def __init__(self, name: _Optional[str] = ..., from_dtype: _Optional[str] = ..., to_dtype: _Optional[str] = ..., from_shape: _Optional[_Iterable[int]] = ..., to_shape: _Optional[_Iterable[int]] = ..., norms: _Optional[_Union[TensorNorms, _Mapping]] = ...) -> None: ...

class TensorNorms(_message.Message):
    __slots__ = ("to", "difference", "cosine", "count", "not_finite")
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    COSINE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    NOT_FINITE_FIELD_NUMBER: _ClassVar[int]
    to: float
    difference: float
    cosine: float
    count: int
    not_finite: int
    def __init__(self, to: _Optional[float] = ..., difference: _Optional[float] = ..., cosine: _Optional[float] = ..., count: _Optional[int] = ..., not_finite: _Optional[int] = ..., **kwargs) -> None: ...

class RetentionRule(_message.Message):
    __slots__ = ("name", "filter", "keep_seconds", "ref_prefix", "keep_moves")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    KEEP_SECONDS_FIELD_NUMBER: _ClassVar[int]
    REF_PREFIX_FIELD_NUMBER: _ClassVar[int]
    KEEP_MOVES_FIELD_NUMBER: _ClassVar[int]
    name: str
    filter: str
    keep_seconds: int
    ref_prefix: str
    keep_moves: int
    def __init__(self, name: _Optional[str] = ..., filter: _Optional[str] = ..., keep_seconds: _Optional[int] = ..., ref_prefix: _Optional[str] = ..., keep_moves: _Optional[int] = ...) -> None: ...

class SetRetentionRuleRequest(_message.Message):
    __slots__ = ("rule",)
    RULE_FIELD_NUMBER: _ClassVar[int]
    rule: RetentionRule
    def __init__(self, rule: _Optional[_Union[RetentionRule, _Mapping]] = ...) -> None: ...

class SetRetentionRuleResponse(_message.Message):
    __slots__ = ("rule",)
    RULE_FIELD_NUMBER: _ClassVar[int]
    rule: RetentionRule
    def __init__(self, rule: _Optional[_Union[RetentionRule, _Mapping]] = ...) -> None: ...

class DeleteRetentionRuleRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteRetentionRuleResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListRetentionRulesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListRetentionRulesResponse(_message.Message):
    __slots__ = ("rules",)
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.RepeatedCompositeFieldContainer[RetentionRule]
    def __init__(self, rules: _Optional[_Iterable[_Union[RetentionRule, _Mapping]]] = ...) -> None: ...

class CheckCatalogRequest(_message.Message):
    __slots__ = ("resume_token",)
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    resume_token: str
    def __init__(self, resume_token: _Optional[str] = ...) -> None: ...

class CheckCatalogResponse(_message.Message):
    __slots__ = ("progress", "fault", "summary")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    progress: CheckProgress
    fault: CatalogFault
    summary: CheckSummary
    def __init__(self, progress: _Optional[_Union[CheckProgress, _Mapping]] = ..., fault: _Optional[_Union[CatalogFault, _Mapping]] = ..., summary: _Optional[_Union[CheckSummary, _Mapping]] = ...) -> None: ...

class CheckProgress(_message.Message):
    __slots__ = ("checked_blobs", "checked_bytes", "checked_artifacts", "resume_token")
    CHECKED_BLOBS_FIELD_NUMBER: _ClassVar[int]
    CHECKED_BYTES_FIELD_NUMBER: _ClassVar[int]
    CHECKED_ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    checked_blobs: int
    checked_bytes: int
    checked_artifacts: int
    resume_token: str
    def __init__(self, checked_blobs: _Optional[int] = ..., checked_bytes: _Optional[int] = ..., checked_artifacts: _Optional[int] = ..., resume_token: _Optional[str] = ...) -> None: ...

class CatalogFault(_message.Message):
    __slots__ = ("kind", "digest", "artifacts", "message")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[CatalogFault.Kind]
        KIND_BLOB_CORRUPTED: _ClassVar[CatalogFault.Kind]
        KIND_BLOB_MISSING: _ClassVar[CatalogFault.Kind]
        KIND_MANIFEST: _ClassVar[CatalogFault.Kind]
        KIND_REFERENCE: _ClassVar[CatalogFault.Kind]
    KIND_UNSPECIFIED: CatalogFault.Kind
    KIND_BLOB_CORRUPTED: CatalogFault.Kind
    KIND_BLOB_MISSING: CatalogFault.Kind
    KIND_MANIFEST: CatalogFault.Kind
    KIND_REFERENCE: CatalogFault.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    kind: CatalogFault.Kind
    digest: str
    artifacts: _containers.RepeatedScalarFieldContainer[str]
    message: str
    def __init__(self, kind: _Optional[_Union[CatalogFault.Kind, str]] = ..., digest: _Optional[str] = ..., artifacts: _Optional[_Iterable[str]] = ..., message: _Optional[str] = ...) -> None: ...

class CheckSummary(_message.Message):
    __slots__ = ("blobs", "bytes", "artifacts", "faults")
    BLOBS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    blobs: int
    bytes: int
    artifacts: int
    faults: int
    def __init__(self, blobs: _Optional[int] = ..., bytes: _Optional[int] = ..., artifacts: _Optional[int] = ..., faults: _Optional[int] = ...) -> None: ...

class GetStorageUsageRequest(_message.Message):
    __slots__ = ("ref_prefix", "annotation", "page_size", "page_token")
    REF_PREFIX_FIELD_NUMBER: _ClassVar[int]
    ANNOTATION_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ref_prefix: str
    annotation: str
    page_size: int
    page_token: str
    def __init__(self, ref_prefix: _Optional[str] = ..., annotation: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetStorageUsageResponse(_message.Message):
    __slots__ = ("usages", "next_page_token", "stored_bytes")
    USAGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STORED_BYTES_FIELD_NUMBER: _ClassVar[int]
    usages: _containers.RepeatedCompositeFieldContainer[StorageUsage]
    next_page_token: str
    stored_bytes: int
    def __init__(self, usages: _Optional[_Iterable[_Union[StorageUsage, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., stored_bytes: _Optional[int] = ...) -> None: ...

class StorageUsage(_message.Message):
    __slots__ = ("name", "artifacts", "bytes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    artifacts: int
    bytes: int
    def __init__(self, name: _Optional[str] = ..., artifacts: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...
