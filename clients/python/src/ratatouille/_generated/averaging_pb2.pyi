from google.protobuf import struct_pb2 as _struct_pb2
from . import artifact_pb2 as _artifact_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BaseUse(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BASE_USE_UNSPECIFIED: _ClassVar[BaseUse]
    BASE_USE_NONE: _ClassVar[BaseUse]
    BASE_USE_OPTIONAL: _ClassVar[BaseUse]
    BASE_USE_REQUIRED: _ClassVar[BaseUse]

class ParameterType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARAMETER_TYPE_UNSPECIFIED: _ClassVar[ParameterType]
    PARAMETER_TYPE_NUMBER: _ClassVar[ParameterType]
    PARAMETER_TYPE_INTEGER: _ClassVar[ParameterType]
    PARAMETER_TYPE_BOOL: _ClassVar[ParameterType]

class SessionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SESSION_STATE_UNSPECIFIED: _ClassVar[SessionState]
    SESSION_STATE_OPEN: _ClassVar[SessionState]
    SESSION_STATE_CLOSED: _ClassVar[SessionState]
    SESSION_STATE_EXPIRED: _ClassVar[SessionState]
    SESSION_STATE_CLOSING: _ClassVar[SessionState]

class ContributionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTRIBUTION_STATE_UNSPECIFIED: _ClassVar[ContributionState]
    CONTRIBUTION_STATE_INCOMPLETE: _ClassVar[ContributionState]
    CONTRIBUTION_STATE_COMMITTED: _ClassVar[ContributionState]

class CheckSeverity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHECK_SEVERITY_UNSPECIFIED: _ClassVar[CheckSeverity]
    CHECK_SEVERITY_ERROR: _ClassVar[CheckSeverity]
    CHECK_SEVERITY_WARNING: _ClassVar[CheckSeverity]
    CHECK_SEVERITY_NOTE: _ClassVar[CheckSeverity]

class CheckVerdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHECK_VERDICT_UNSPECIFIED: _ClassVar[CheckVerdict]
    CHECK_VERDICT_COMPATIBLE: _ClassVar[CheckVerdict]
    CHECK_VERDICT_SUSPICIOUS: _ClassVar[CheckVerdict]
    CHECK_VERDICT_INCOMPATIBLE: _ClassVar[CheckVerdict]
BASE_USE_UNSPECIFIED: BaseUse
BASE_USE_NONE: BaseUse
BASE_USE_OPTIONAL: BaseUse
BASE_USE_REQUIRED: BaseUse
PARAMETER_TYPE_UNSPECIFIED: ParameterType
PARAMETER_TYPE_NUMBER: ParameterType
PARAMETER_TYPE_INTEGER: ParameterType
PARAMETER_TYPE_BOOL: ParameterType
SESSION_STATE_UNSPECIFIED: SessionState
SESSION_STATE_OPEN: SessionState
SESSION_STATE_CLOSED: SessionState
SESSION_STATE_EXPIRED: SessionState
SESSION_STATE_CLOSING: SessionState
CONTRIBUTION_STATE_UNSPECIFIED: ContributionState
CONTRIBUTION_STATE_INCOMPLETE: ContributionState
CONTRIBUTION_STATE_COMMITTED: ContributionState
CHECK_SEVERITY_UNSPECIFIED: CheckSeverity
CHECK_SEVERITY_ERROR: CheckSeverity
CHECK_SEVERITY_WARNING: CheckSeverity
CHECK_SEVERITY_NOTE: CheckSeverity
CHECK_VERDICT_UNSPECIFIED: CheckVerdict
CHECK_VERDICT_COMPATIBLE: CheckVerdict
CHECK_VERDICT_SUSPICIOUS: CheckVerdict
CHECK_VERDICT_INCOMPATIBLE: CheckVerdict

class AverageRequest(_message.Message):
    __slots__ = ("recipe", "reproduce", "allow_unrelated", "models", "method", "weights", "base", "statistics", "parameters", "exclude", "dtype", "seed")
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _struct_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    REPRODUCE_FIELD_NUMBER: _ClassVar[int]
    ALLOW_UNRELATED_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    recipe: str
    reproduce: bool
    allow_unrelated: bool
    models: _containers.RepeatedScalarFieldContainer[str]
    method: str
    weights: _containers.RepeatedScalarFieldContainer[float]
    base: str
    statistics: _containers.RepeatedScalarFieldContainer[str]
    parameters: _containers.MessageMap[str, _struct_pb2.Value]
    exclude: _containers.RepeatedScalarFieldContainer[str]
    dtype: str
    seed: int
    def __init__(self, recipe: _Optional[str] = ..., reproduce: bool = ..., allow_unrelated: bool = ..., models: _Optional[_Iterable[str]] = ..., method: _Optional[str] = ..., weights: _Optional[_Iterable[float]] = ..., base: _Optional[str] = ..., statistics: _Optional[_Iterable[str]] = ..., parameters: _Optional[_Mapping[str, _struct_pb2.Value]] = ..., exclude: _Optional[_Iterable[str]] = ..., dtype: _Optional[str] = ..., seed: _Optional[int] = ...) -> None: ...

class ListMethodsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListMethodsResponse(_message.Message):
    __slots__ = ("methods",)
    METHODS_FIELD_NUMBER: _ClassVar[int]
    methods: _containers.RepeatedCompositeFieldContainer[MergeMethod]
    def __init__(self, methods: _Optional[_Iterable[_Union[MergeMethod, _Mapping]]] = ...) -> None: ...

class MergeMethod(_message.Message):
    __slots__ = ("name", "aliases", "title", "summary", "formula", "paper", "parameters", "base", "min_models", "max_models", "statistics", "random", "arithmetic", "sessions")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    FORMULA_FIELD_NUMBER: _ClassVar[int]
    PAPER_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    MIN_MODELS_FIELD_NUMBER: _ClassVar[int]
    MAX_MODELS_FIELD_NUMBER: _ClassVar[int]
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    RANDOM_FIELD_NUMBER: _ClassVar[int]
    ARITHMETIC_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    aliases: _containers.RepeatedScalarFieldContainer[str]
    title: str
    summary: str
    formula: str
    paper: Paper
    parameters: _containers.RepeatedCompositeFieldContainer[MethodParameter]
    base: BaseUse
    min_models: int
    max_models: int
    statistics: str
    random: bool
    arithmetic: str
    sessions: bool
    def __init__(self, name: _Optional[str] = ..., aliases: _Optional[_Iterable[str]] = ..., title: _Optional[str] = ..., summary: _Optional[str] = ..., formula: _Optional[str] = ..., paper: _Optional[_Union[Paper, _Mapping]] = ..., parameters: _Optional[_Iterable[_Union[MethodParameter, _Mapping]]] = ..., base: _Optional[_Union[BaseUse, str]] = ..., min_models: _Optional[int] = ..., max_models: _Optional[int] = ..., statistics: _Optional[str] = ..., random: bool = ..., arithmetic: _Optional[str] = ..., sessions: bool = ...) -> None: ...

class Paper(_message.Message):
    __slots__ = ("authors", "year", "title", "link")
    AUTHORS_FIELD_NUMBER: _ClassVar[int]
    YEAR_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    authors: str
    year: int
    title: str
    link: str
    def __init__(self, authors: _Optional[str] = ..., year: _Optional[int] = ..., title: _Optional[str] = ..., link: _Optional[str] = ...) -> None: ...

class MethodParameter(_message.Message):
    __slots__ = ("name", "type", "per_model", "default", "min", "max", "exclusive", "description")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PER_MODEL_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: ParameterType
    per_model: bool
    default: _struct_pb2.Value
    min: float
    max: float
    exclusive: bool
    description: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[ParameterType, str]] = ..., per_model: bool = ..., default: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., min: _Optional[float] = ..., max: _Optional[float] = ..., exclusive: bool = ..., description: _Optional[str] = ...) -> None: ...

class AverageResponse(_message.Message):
    __slots__ = ("progress", "artifact")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    progress: AverageProgress
    artifact: _artifact_pb2.Artifact
    def __init__(self, progress: _Optional[_Union[AverageProgress, _Mapping]] = ..., artifact: _Optional[_Union[_artifact_pb2.Artifact, _Mapping]] = ...) -> None: ...

class AverageProgress(_message.Message):
    __slots__ = ("read_bytes", "total_bytes")
    READ_BYTES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    read_bytes: int
    total_bytes: int
    def __init__(self, read_bytes: _Optional[int] = ..., total_bytes: _Optional[int] = ...) -> None: ...

class OpenSessionRequest(_message.Message):
    __slots__ = ("method", "weights", "layout", "dtype", "architecture", "licence", "expires_in_seconds", "keep", "max_contribution_bytes", "max_contributors")
    class WeightsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    METHOD_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    MAX_CONTRIBUTION_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_CONTRIBUTORS_FIELD_NUMBER: _ClassVar[int]
    method: str
    weights: _containers.ScalarMap[str, float]
    layout: _containers.RepeatedCompositeFieldContainer[SessionTensor]
    dtype: str
    architecture: str
    licence: str
    expires_in_seconds: int
    keep: bool
    max_contribution_bytes: int
    max_contributors: int
    def __init__(self, method: _Optional[str] = ..., weights: _Optional[_Mapping[str, float]] = ..., layout: _Optional[_Iterable[_Union[SessionTensor, _Mapping]]] = ..., dtype: _Optional[str] = ..., architecture: _Optional[str] = ..., licence: _Optional[str] = ..., expires_in_seconds: _Optional[int] = ..., keep: bool = ..., max_contribution_bytes: _Optional[int] = ..., max_contributors: _Optional[int] = ...) -> None: ...

class SessionTensor(_message.Message):
    __slots__ = ("name", "dtype", "shape")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    dtype: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., dtype: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ...) -> None: ...

class OpenSessionResponse(_message.Message):
    __slots__ = ("session", "secret")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    session: Session
    secret: str
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ..., secret: _Optional[str] = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ("id", "state", "method", "dtype", "committed", "folded", "staging", "staged_bytes", "opened_at", "expires_at", "tensors", "artifact")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    FOLDED_FIELD_NUMBER: _ClassVar[int]
    STAGING_FIELD_NUMBER: _ClassVar[int]
    STAGED_BYTES_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: SessionState
    method: str
    dtype: str
    committed: int
    folded: int
    staging: int
    staged_bytes: int
    opened_at: int
    expires_at: int
    tensors: int
    artifact: str
    def __init__(self, id: _Optional[str] = ..., state: _Optional[_Union[SessionState, str]] = ..., method: _Optional[str] = ..., dtype: _Optional[str] = ..., committed: _Optional[int] = ..., folded: _Optional[int] = ..., staging: _Optional[int] = ..., staged_bytes: _Optional[int] = ..., opened_at: _Optional[int] = ..., expires_at: _Optional[int] = ..., tensors: _Optional[int] = ..., artifact: _Optional[str] = ...) -> None: ...

class ContributeRequest(_message.Message):
    __slots__ = ("header", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: ContributionHeader
    chunk: ContributionChunk
    def __init__(self, header: _Optional[_Union[ContributionHeader, _Mapping]] = ..., chunk: _Optional[_Union[ContributionChunk, _Mapping]] = ...) -> None: ...

class ContributionHeader(_message.Message):
    __slots__ = ("session_id", "secret", "contributor", "size_bytes", "digest", "weight", "artifact", "from_catalog")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTOR_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    FROM_CATALOG_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    secret: str
    contributor: str
    size_bytes: int
    digest: str
    weight: float
    artifact: str
    from_catalog: bool
    def __init__(self, session_id: _Optional[str] = ..., secret: _Optional[str] = ..., contributor: _Optional[str] = ..., size_bytes: _Optional[int] = ..., digest: _Optional[str] = ..., weight: _Optional[float] = ..., artifact: _Optional[str] = ..., from_catalog: bool = ...) -> None: ...

class ContributionChunk(_message.Message):
    __slots__ = ("data", "crc32c", "crc32")
    DATA_FIELD_NUMBER: _ClassVar[int]
    CRC32C_FIELD_NUMBER: _ClassVar[int]
    CRC32_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    crc32c: int
    crc32: int
    def __init__(self, data: _Optional[bytes] = ..., crc32c: _Optional[int] = ..., crc32: _Optional[int] = ...) -> None: ...

class SendBytes(_message.Message):
    __slots__ = ("offset", "until")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    offset: int
    until: int
    def __init__(self, offset: _Optional[int] = ..., until: _Optional[int] = ...) -> None: ...

class ContributeResponse(_message.Message):
    __slots__ = ("send", "committed", "fetched")
    SEND_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    FETCHED_FIELD_NUMBER: _ClassVar[int]
    send: SendBytes
    committed: ContributionCommitted
    fetched: AverageProgress
    def __init__(self, send: _Optional[_Union[SendBytes, _Mapping]] = ..., committed: _Optional[_Union[ContributionCommitted, _Mapping]] = ..., fetched: _Optional[_Union[AverageProgress, _Mapping]] = ...) -> None: ...

class ContributionCommitted(_message.Message):
    __slots__ = ("existed",)
    EXISTED_FIELD_NUMBER: _ClassVar[int]
    existed: bool
    def __init__(self, existed: bool = ...) -> None: ...

class WithdrawRequest(_message.Message):
    __slots__ = ("header", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: WithdrawHeader
    chunk: ContributionChunk
    def __init__(self, header: _Optional[_Union[WithdrawHeader, _Mapping]] = ..., chunk: _Optional[_Union[ContributionChunk, _Mapping]] = ...) -> None: ...

class WithdrawHeader(_message.Message):
    __slots__ = ("session_id", "secret", "contributor")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTOR_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    secret: str
    contributor: str
    def __init__(self, session_id: _Optional[str] = ..., secret: _Optional[str] = ..., contributor: _Optional[str] = ...) -> None: ...

class WithdrawResponse(_message.Message):
    __slots__ = ("send", "withdrawn")
    SEND_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    send: SendBytes
    withdrawn: ContributionWithdrawn
    def __init__(self, send: _Optional[_Union[SendBytes, _Mapping]] = ..., withdrawn: _Optional[_Union[ContributionWithdrawn, _Mapping]] = ...) -> None: ...

class ContributionWithdrawn(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SnapshotRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class SnapshotResponse(_message.Message):
    __slots__ = ("progress", "artifact")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    progress: AverageProgress
    artifact: _artifact_pb2.Artifact
    def __init__(self, progress: _Optional[_Union[AverageProgress, _Mapping]] = ..., artifact: _Optional[_Union[_artifact_pb2.Artifact, _Mapping]] = ...) -> None: ...

class GetSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class GetSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class ListSessionsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSessionsResponse(_message.Message):
    __slots__ = ("sessions", "next_page_token")
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    sessions: _containers.RepeatedCompositeFieldContainer[Session]
    next_page_token: str
    def __init__(self, sessions: _Optional[_Iterable[_Union[Session, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListContributionsRequest(_message.Message):
    __slots__ = ("session_id", "page_size", "page_token")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    page_size: int
    page_token: str
    def __init__(self, session_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListContributionsResponse(_message.Message):
    __slots__ = ("contributions", "next_page_token")
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    contributions: _containers.RepeatedCompositeFieldContainer[SessionContribution]
    next_page_token: str
    def __init__(self, contributions: _Optional[_Iterable[_Union[SessionContribution, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class SessionContribution(_message.Message):
    __slots__ = ("contributor", "state", "digest", "size_bytes", "weight", "artifact", "moved_at_ms")
    CONTRIBUTOR_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    MOVED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    contributor: str
    state: ContributionState
    digest: str
    size_bytes: int
    weight: float
    artifact: str
    moved_at_ms: int
    def __init__(self, contributor: _Optional[str] = ..., state: _Optional[_Union[ContributionState, str]] = ..., digest: _Optional[str] = ..., size_bytes: _Optional[int] = ..., weight: _Optional[float] = ..., artifact: _Optional[str] = ..., moved_at_ms: _Optional[int] = ...) -> None: ...

class WatchSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class WatchSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class CloseSessionRequest(_message.Message):
    __slots__ = ("session_id", "secret", "snapshot")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    secret: str
    snapshot: bool
    def __init__(self, session_id: _Optional[str] = ..., secret: _Optional[str] = ..., snapshot: bool = ...) -> None: ...

class CloseSessionResponse(_message.Message):
    __slots__ = ("artifact",)
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    artifact: _artifact_pb2.Artifact
    def __init__(self, artifact: _Optional[_Union[_artifact_pb2.Artifact, _Mapping]] = ...) -> None: ...

class CheckModelsRequest(_message.Message):
    __slots__ = ("models", "base", "exclude", "allow_unrelated", "mixed_types", "full")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_FIELD_NUMBER: _ClassVar[int]
    ALLOW_UNRELATED_FIELD_NUMBER: _ClassVar[int]
    MIXED_TYPES_FIELD_NUMBER: _ClassVar[int]
    FULL_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedScalarFieldContainer[str]
    base: str
    exclude: _containers.RepeatedScalarFieldContainer[str]
    allow_unrelated: bool
    mixed_types: bool
    full: bool
    def __init__(self, models: _Optional[_Iterable[str]] = ..., base: _Optional[str] = ..., exclude: _Optional[_Iterable[str]] = ..., allow_unrelated: bool = ..., mixed_types: bool = ..., full: bool = ...) -> None: ...

class CheckModelsResponse(_message.Message):
    __slots__ = ("progress", "finding", "report")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FINDING_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    progress: AverageProgress
    finding: CheckFinding
    report: CheckReport
    def __init__(self, progress: _Optional[_Union[AverageProgress, _Mapping]] = ..., finding: _Optional[_Union[CheckFinding, _Mapping]] = ..., report: _Optional[_Union[CheckReport, _Mapping]] = ...) -> None: ...

class CheckFinding(_message.Message):
    __slots__ = ("severity", "code", "sentence", "tensors", "models")
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    severity: CheckSeverity
    code: str
    sentence: str
    tensors: _containers.RepeatedScalarFieldContainer[str]
    models: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, severity: _Optional[_Union[CheckSeverity, str]] = ..., code: _Optional[str] = ..., sentence: _Optional[str] = ..., tensors: _Optional[_Iterable[str]] = ..., models: _Optional[_Iterable[str]] = ...) -> None: ...

class CheckReport(_message.Message):
    __slots__ = ("verdict", "models", "licence", "layers", "read_bytes", "cosines")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    READ_BYTES_FIELD_NUMBER: _ClassVar[int]
    COSINES_FIELD_NUMBER: _ClassVar[int]
    verdict: CheckVerdict
    models: _containers.RepeatedCompositeFieldContainer[CheckedModel]
    licence: str
    layers: _containers.RepeatedCompositeFieldContainer[CheckedLayer]
    read_bytes: int
    cosines: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, verdict: _Optional[_Union[CheckVerdict, str]] = ..., models: _Optional[_Iterable[_Union[CheckedModel, _Mapping]]] = ..., licence: _Optional[str] = ..., layers: _Optional[_Iterable[_Union[CheckedLayer, _Mapping]]] = ..., read_bytes: _Optional[int] = ..., cosines: _Optional[_Iterable[float]] = ...) -> None: ...

class CheckedModel(_message.Message):
    __slots__ = ("digest", "numbers", "tensors", "architecture", "foundation", "licences", "norm", "distance", "sign_agreement", "largest", "not_finite", "dtypes")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    FOUNDATION_FIELD_NUMBER: _ClassVar[int]
    LICENCES_FIELD_NUMBER: _ClassVar[int]
    NORM_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    SIGN_AGREEMENT_FIELD_NUMBER: _ClassVar[int]
    LARGEST_FIELD_NUMBER: _ClassVar[int]
    NOT_FINITE_FIELD_NUMBER: _ClassVar[int]
    DTYPES_FIELD_NUMBER: _ClassVar[int]
    digest: str
    numbers: int
    tensors: int
    architecture: str
    foundation: str
    licences: _containers.RepeatedScalarFieldContainer[str]
    norm: float
    distance: float
    sign_agreement: float
    largest: float
    not_finite: int
    dtypes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, digest: _Optional[str] = ..., numbers: _Optional[int] = ..., tensors: _Optional[int] = ..., architecture: _Optional[str] = ..., foundation: _Optional[str] = ..., licences: _Optional[_Iterable[str]] = ..., norm: _Optional[float] = ..., distance: _Optional[float] = ..., sign_agreement: _Optional[float] = ..., largest: _Optional[float] = ..., not_finite: _Optional[int] = ..., dtypes: _Optional[_Iterable[str]] = ...) -> None: ...

class CheckedLayer(_message.Message):
    __slots__ = ("name", "numbers", "distances")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    DISTANCES_FIELD_NUMBER: _ClassVar[int]
    name: str
    numbers: int
    distances: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, name: _Optional[str] = ..., numbers: _Optional[int] = ..., distances: _Optional[_Iterable[float]] = ...) -> None: ...
