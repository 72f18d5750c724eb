from . import artifact_pb2 as _artifact_pb2
from . import finetune_pb2 as _finetune_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobOffered(_message.Message):
    __slots__ = ("job_id", "recipe_key")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    RECIPE_KEY_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    recipe_key: str
    def __init__(self, job_id: _Optional[str] = ..., recipe_key: _Optional[str] = ...) -> None: ...

class JobFinished(_message.Message):
    __slots__ = ("job_id", "recipe_key", "state", "artifact", "error")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    RECIPE_KEY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    recipe_key: str
    state: _finetune_pb2.JobState
    artifact: str
    error: str
    def __init__(self, job_id: _Optional[str] = ..., recipe_key: _Optional[str] = ..., state: _Optional[_Union[_finetune_pb2.JobState, str]] = ..., artifact: _Optional[str] = ..., error: _Optional[str] = ...) -> None: ...

class ArtifactPublished(_message.Message):
    __slots__ = ("digest", "recipe_key", "kind")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    RECIPE_KEY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    digest: str
    recipe_key: str
    kind: _artifact_pb2.ArtifactKind
    def __init__(self, digest: _Optional[str] = ..., recipe_key: _Optional[str] = ..., kind: _Optional[_Union[_artifact_pb2.ArtifactKind, str]] = ...) -> None: ...

class RefMoved(_message.Message):
    __slots__ = ("name", "digest")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ...) -> None: ...

class RunStarted(_message.Message):
    __slots__ = ("run_id", "name")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    name: str
    def __init__(self, run_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class RunFinished(_message.Message):
    __slots__ = ("run_id", "succeeded")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    succeeded: bool
    def __init__(self, run_id: _Optional[str] = ..., succeeded: bool = ...) -> None: ...
