from . import artifact_pb2 as _artifact_pb2
from . import usage_pb2 as _usage_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATE_UNSPECIFIED: _ClassVar[JobState]
    JOB_STATE_QUEUED: _ClassVar[JobState]
    JOB_STATE_RUNNING: _ClassVar[JobState]
    JOB_STATE_SUCCEEDED: _ClassVar[JobState]
    JOB_STATE_FAILED: _ClassVar[JobState]
    JOB_STATE_CANCELLED: _ClassVar[JobState]

class AttemptOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTEMPT_OUTCOME_UNSPECIFIED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_COMPLETED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_FAILED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_LOST: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_RELEASED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_CANCELLED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_OVERTAKEN: _ClassVar[AttemptOutcome]
JOB_STATE_UNSPECIFIED: JobState
JOB_STATE_QUEUED: JobState
JOB_STATE_RUNNING: JobState
JOB_STATE_SUCCEEDED: JobState
JOB_STATE_FAILED: JobState
JOB_STATE_CANCELLED: JobState
ATTEMPT_OUTCOME_UNSPECIFIED: AttemptOutcome
ATTEMPT_OUTCOME_COMPLETED: AttemptOutcome
ATTEMPT_OUTCOME_FAILED: AttemptOutcome
ATTEMPT_OUTCOME_LOST: AttemptOutcome
ATTEMPT_OUTCOME_RELEASED: AttemptOutcome
ATTEMPT_OUTCOME_CANCELLED: AttemptOutcome
ATTEMPT_OUTCOME_OVERTAKEN: AttemptOutcome

class Job(_message.Message):
    __slots__ = ("id", "recipe_key", "recipe", "state", "label", "attempt", "trainer", "progress", "artifact", "error", "submitted_at_ms", "started_at_ms", "finished_at_ms", "cpu_ms", "needs", "attempts", "waiting_for", "summary", "usage")
    ID_FIELD_NUMBER: _ClassVar[int]
    RECIPE_KEY_FIELD_NUMBER: _ClassVar[int]
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TRAINER_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    CPU_MS_FIELD_NUMBER: _ClassVar[int]
    NEEDS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    WAITING_FOR_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    id: str
    recipe_key: str
    recipe: str
    state: JobState
    label: str
    attempt: int
    trainer: str
    progress: TrainProgress
    artifact: str
    error: str
    submitted_at_ms: int
    started_at_ms: int
    finished_at_ms: int
    cpu_ms: int
    needs: JobNeeds
    attempts: _containers.RepeatedCompositeFieldContainer[Attempt]
    waiting_for: str
    summary: str
    usage: _usage_pb2.Usage
    def __init__(self, id: _Optional[str] = ..., recipe_key: _Optional[str] = ..., recipe: _Optional[str] = ..., state: _Optional[_Union[JobState, str]] = ..., label: _Optional[str] = ..., attempt: _Optional[int] = ..., trainer: _Optional[str] = ..., progress: _Optional[_Union[TrainProgress, _Mapping]] = ..., artifact: _Optional[str] = ..., error: _Optional[str] = ..., submitted_at_ms: _Optional[int] = ..., started_at_ms: _Optional[int] = ..., finished_at_ms: _Optional[int] = ..., cpu_ms: _Optional[int] = ..., needs: _Optional[_Union[JobNeeds, _Mapping]] = ..., attempts: _Optional[_Iterable[_Union[Attempt, _Mapping]]] = ..., waiting_for: _Optional[str] = ..., summary: _Optional[str] = ..., usage: _Optional[_Union[_usage_pb2.Usage, _Mapping]] = ...) -> None: ...

class JobNeeds(_message.Message):
    __slots__ = ("device", "backend", "memory_mib", "network", "accelerator_memory_mib", "backends")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    BACKEND_FIELD_NUMBER: _ClassVar[int]
    MEMORY_MIB_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    ACCELERATOR_MEMORY_MIB_FIELD_NUMBER: _ClassVar[int]
    BACKENDS_FIELD_NUMBER: _ClassVar[int]
    device: str
    backend: str
    memory_mib: int
    network: str
    accelerator_memory_mib: int
    backends: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, device: _Optional[str] = ..., backend: _Optional[str] = ..., memory_mib: _Optional[int] = ..., network: _Optional[str] = ..., accelerator_memory_mib: _Optional[int] = ..., backends: _Optional[_Iterable[str]] = ...) -> None: ...

class Attempt(_message.Message):
    __slots__ = ("number", "trainer", "began_at_ms", "ended_at_ms", "outcome", "error", "from_step", "environment", "skipped")
    class EnvironmentEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TRAINER_FIELD_NUMBER: _ClassVar[int]
    BEGAN_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    FROM_STEP_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    number: int
    trainer: str
    began_at_ms: int
    ended_at_ms: int
    outcome: AttemptOutcome
    error: str
    from_step: int
    environment: _containers.ScalarMap[str, str]
    skipped: str
    def __init__(self, number: _Optional[int] = ..., trainer: _Optional[str] = ..., began_at_ms: _Optional[int] = ..., ended_at_ms: _Optional[int] = ..., outcome: _Optional[_Union[AttemptOutcome, str]] = ..., error: _Optional[str] = ..., from_step: _Optional[int] = ..., environment: _Optional[_Mapping[str, str]] = ..., skipped: _Optional[str] = ...) -> None: ...

class TrainProgress(_message.Message):
    __slots__ = ("step", "steps", "steps_per_second", "loss", "validation_accuracy", "validating", "unit")
    STEP_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    STEPS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    VALIDATING_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    step: int
    steps: int
    steps_per_second: float
    loss: float
    validation_accuracy: float
    validating: float
    unit: str
    def __init__(self, step: _Optional[int] = ..., steps: _Optional[int] = ..., steps_per_second: _Optional[float] = ..., loss: _Optional[float] = ..., validation_accuracy: _Optional[float] = ..., validating: _Optional[float] = ..., unit: _Optional[str] = ...) -> None: ...

class SubmitJobRequest(_message.Message):
    __slots__ = ("recipe", "label", "run_id", "reproduce", "needs")
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    REPRODUCE_FIELD_NUMBER: _ClassVar[int]
    NEEDS_FIELD_NUMBER: _ClassVar[int]
    recipe: str
    label: str
    run_id: str
    reproduce: bool
    needs: JobNeeds
    def __init__(self, recipe: _Optional[str] = ..., label: _Optional[str] = ..., run_id: _Optional[str] = ..., reproduce: bool = ..., needs: _Optional[_Union[JobNeeds, _Mapping]] = ...) -> None: ...

class SubmitJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ("run_id", "states", "page_size", "page_token")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    states: _containers.RepeatedScalarFieldContainer[JobState]
    page_size: int
    page_token: str
    def __init__(self, run_id: _Optional[str] = ..., states: _Optional[_Iterable[_Union[JobState, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchJobsRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class WatchJobsResponse(_message.Message):
    __slots__ = ("jobs", "current")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    current: bool
    def __init__(self, jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ..., current: bool = ...) -> None: ...

class RetryJobRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class RetryJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class CancelJobRequest(_message.Message):
    __slots__ = ("id", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: str
    reason: str
    def __init__(self, id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CancelJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class CancelJobsRequest(_message.Message):
    __slots__ = ("run_id", "job_ids")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, run_id: _Optional[str] = ..., job_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class CancelJobsResponse(_message.Message):
    __slots__ = ("cancelled",)
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    cancelled: int
    def __init__(self, cancelled: _Optional[int] = ...) -> None: ...

class Trainer(_message.Message):
    __slots__ = ("id", "name", "device", "accelerator", "engines", "kinds", "memory_mib", "environment", "since_ms", "jobs", "parked")
    class EnvironmentEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    ACCELERATOR_FIELD_NUMBER: _ClassVar[int]
    ENGINES_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_MIB_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    PARKED_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    device: str
    accelerator: Accelerator
    engines: _containers.RepeatedCompositeFieldContainer[Engine]
    kinds: _containers.RepeatedScalarFieldContainer[str]
    memory_mib: int
    environment: _containers.ScalarMap[str, str]
    since_ms: int
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    parked: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., device: _Optional[str] = ..., accelerator: _Optional[_Union[Accelerator, _Mapping]] = ..., engines: _Optional[_Iterable[_Union[Engine, _Mapping]]] = ..., kinds: _Optional[_Iterable[str]] = ..., memory_mib: _Optional[int] = ..., environment: _Optional[_Mapping[str, str]] = ..., since_ms: _Optional[int] = ..., jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ..., parked: _Optional[str] = ...) -> None: ...

class Accelerator(_message.Message):
    __slots__ = ("model", "memory_mib")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MEMORY_MIB_FIELD_NUMBER: _ClassVar[int]
    model: str
    memory_mib: int
    def __init__(self, model: _Optional[str] = ..., memory_mib: _Optional[int] = ...) -> None: ...

class Engine(_message.Message):
    __slots__ = ("name", "device", "arithmetics", "networks", "built_in_networks")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    ARITHMETICS_FIELD_NUMBER: _ClassVar[int]
    NETWORKS_FIELD_NUMBER: _ClassVar[int]
    BUILT_IN_NETWORKS_FIELD_NUMBER: _ClassVar[int]
    name: str
    device: str
    arithmetics: _containers.RepeatedScalarFieldContainer[str]
    networks: _containers.RepeatedScalarFieldContainer[str]
    built_in_networks: bool
    def __init__(self, name: _Optional[str] = ..., device: _Optional[str] = ..., arithmetics: _Optional[_Iterable[str]] = ..., networks: _Optional[_Iterable[str]] = ..., built_in_networks: bool = ...) -> None: ...

class AnnounceTrainerRequest(_message.Message):
    __slots__ = ("trainer", "leaves", "contract")
    TRAINER_FIELD_NUMBER: _ClassVar[int]
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_FIELD_NUMBER: _ClassVar[int]
    trainer: Trainer
    leaves: bool
    contract: int
    def __init__(self, trainer: _Optional[_Union[Trainer, _Mapping]] = ..., leaves: bool = ..., contract: _Optional[int] = ...) -> None: ...

class AnnounceTrainerResponse(_message.Message):
    __slots__ = ("lease_seconds", "contract")
    LEASE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_FIELD_NUMBER: _ClassVar[int]
    lease_seconds: int
    contract: int
    def __init__(self, lease_seconds: _Optional[int] = ..., contract: _Optional[int] = ...) -> None: ...

class ListTrainersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTrainersResponse(_message.Message):
    __slots__ = ("trainers", "next_page_token")
    TRAINERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    trainers: _containers.RepeatedCompositeFieldContainer[Trainer]
    next_page_token: str
    def __init__(self, trainers: _Optional[_Iterable[_Union[Trainer, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetTrainerRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetTrainerResponse(_message.Message):
    __slots__ = ("trainer",)
    TRAINER_FIELD_NUMBER: _ClassVar[int]
    trainer: Trainer
    def __init__(self, trainer: _Optional[_Union[Trainer, _Mapping]] = ...) -> None: ...

class TakeJobRequest(_message.Message):
    __slots__ = ("trainer_id", "wait_seconds")
    TRAINER_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    trainer_id: str
    wait_seconds: int
    def __init__(self, trainer_id: _Optional[str] = ..., wait_seconds: _Optional[int] = ...) -> None: ...

class TakeJobResponse(_message.Message):
    __slots__ = ("job_id", "traceparent")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    traceparent: str
    def __init__(self, job_id: _Optional[str] = ..., traceparent: _Optional[str] = ...) -> None: ...

class BeginAttemptRequest(_message.Message):
    __slots__ = ("job_id", "trainer", "trainer_id", "environment")
    class EnvironmentEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    TRAINER_FIELD_NUMBER: _ClassVar[int]
    TRAINER_ID_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    trainer: str
    trainer_id: str
    environment: _containers.ScalarMap[str, str]
    def __init__(self, job_id: _Optional[str] = ..., trainer: _Optional[str] = ..., trainer_id: _Optional[str] = ..., environment: _Optional[_Mapping[str, str]] = ...) -> None: ...

class JobInput(_message.Message):
    __slots__ = ("role", "artifacts")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    role: str
    artifacts: _containers.RepeatedCompositeFieldContainer[InputArtifact]
    def __init__(self, role: _Optional[str] = ..., artifacts: _Optional[_Iterable[_Union[InputArtifact, _Mapping]]] = ...) -> None: ...

class InputArtifact(_message.Message):
    __slots__ = ("digest", "kind", "layers", "licences")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    LICENCES_FIELD_NUMBER: _ClassVar[int]
    digest: str
    kind: _artifact_pb2.ArtifactKind
    layers: _containers.RepeatedCompositeFieldContainer[InputLayer]
    licences: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, digest: _Optional[str] = ..., kind: _Optional[_Union[_artifact_pb2.ArtifactKind, str]] = ..., layers: _Optional[_Iterable[_Union[InputLayer, _Mapping]]] = ..., licences: _Optional[_Iterable[str]] = ...) -> None: ...

class InputLayer(_message.Message):
    __slots__ = ("digest", "media_type", "size_bytes", "title")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    digest: str
    media_type: str
    size_bytes: int
    title: str
    def __init__(self, digest: _Optional[str] = ..., media_type: _Optional[str] = ..., size_bytes: _Optional[int] = ..., title: _Optional[str] = ...) -> None: ...

class BeginAttemptResponse(_message.Message):
    __slots__ = ("job", "attempt", "lease_seconds", "checkpoint", "reproduce", "inputs", "checkpoint_format", "checkpoint_step", "earlier_checkpoint")
    JOB_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    LEASE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    REPRODUCE_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_STEP_FIELD_NUMBER: _ClassVar[int]
    EARLIER_CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    job: Job
    attempt: int
    lease_seconds: int
    checkpoint: str
    reproduce: bool
    inputs: _containers.RepeatedCompositeFieldContainer[JobInput]
    checkpoint_format: str
    checkpoint_step: int
    earlier_checkpoint: str
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ..., attempt: _Optional[int] = ..., lease_seconds: _Optional[int] = ..., checkpoint: _Optional[str] = ..., reproduce: bool = ..., inputs: _Optional[_Iterable[_Union[JobInput, _Mapping]]] = ..., checkpoint_format: _Optional[str] = ..., checkpoint_step: _Optional[int] = ..., earlier_checkpoint: _Optional[str] = ...) -> None: ...

class ReportProgressRequest(_message.Message):
    __slots__ = ("job_id", "attempt", "progress")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    attempt: int
    progress: TrainProgress
    def __init__(self, job_id: _Optional[str] = ..., attempt: _Optional[int] = ..., progress: _Optional[_Union[TrainProgress, _Mapping]] = ...) -> None: ...

class ReportProgressResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SaveCheckpointRequest(_message.Message):
    __slots__ = ("job_id", "attempt", "checkpoint", "step", "format")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    attempt: int
    checkpoint: str
    step: int
    format: str
    def __init__(self, job_id: _Optional[str] = ..., attempt: _Optional[int] = ..., checkpoint: _Optional[str] = ..., step: _Optional[int] = ..., format: _Optional[str] = ...) -> None: ...

class SaveCheckpointResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SkipCheckpointRequest(_message.Message):
    __slots__ = ("job_id", "attempt", "from_step", "reason")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    FROM_STEP_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    attempt: int
    from_step: int
    reason: str
    def __init__(self, job_id: _Optional[str] = ..., attempt: _Optional[int] = ..., from_step: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class SkipCheckpointResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CompleteAttemptRequest(_message.Message):
    __slots__ = ("job_id", "attempt", "artifact", "cpu_ms", "outputs", "summary", "curve", "usage")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    CPU_MS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    CURVE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    attempt: int
    artifact: str
    cpu_ms: int
    outputs: _containers.RepeatedCompositeFieldContainer[Output]
    summary: str
    curve: str
    usage: _usage_pb2.Usage
    def __init__(self, job_id: _Optional[str] = ..., attempt: _Optional[int] = ..., artifact: _Optional[str] = ..., cpu_ms: _Optional[int] = ..., outputs: _Optional[_Iterable[_Union[Output, _Mapping]]] = ..., summary: _Optional[str] = ..., curve: _Optional[str] = ..., usage: _Optional[_Union[_usage_pb2.Usage, _Mapping]] = ...) -> None: ...

class Output(_message.Message):
    __slots__ = ("role", "digest", "size_bytes")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    role: str
    digest: str
    size_bytes: int
    def __init__(self, role: _Optional[str] = ..., digest: _Optional[str] = ..., size_bytes: _Optional[int] = ...) -> None: ...

class CompleteAttemptResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class FailAttemptRequest(_message.Message):
    __slots__ = ("job_id", "attempt", "error", "permanent", "elsewhere")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    PERMANENT_FIELD_NUMBER: _ClassVar[int]
    ELSEWHERE_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    attempt: int
    error: str
    permanent: bool
    elsewhere: bool
    def __init__(self, job_id: _Optional[str] = ..., attempt: _Optional[int] = ..., error: _Optional[str] = ..., permanent: bool = ..., elsewhere: bool = ...) -> None: ...

class FailAttemptResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class ReleaseAttemptRequest(_message.Message):
    __slots__ = ("job_id", "attempt")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    attempt: int
    def __init__(self, job_id: _Optional[str] = ..., attempt: _Optional[int] = ...) -> None: ...

class ReleaseAttemptResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
