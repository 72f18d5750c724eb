from . import finetune_pb2 as _finetune_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OnFailure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_FAILURE_UNSPECIFIED: _ClassVar[OnFailure]
    ON_FAILURE_FAIL: _ClassVar[OnFailure]
    ON_FAILURE_CONTINUE: _ClassVar[OnFailure]

class RunState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RUN_STATE_UNSPECIFIED: _ClassVar[RunState]
    RUN_STATE_RUNNING: _ClassVar[RunState]
    RUN_STATE_SUCCEEDED: _ClassVar[RunState]
    RUN_STATE_FAILED: _ClassVar[RunState]
    RUN_STATE_CANCELLED: _ClassVar[RunState]
    RUN_STATE_INTERRUPTED: _ClassVar[RunState]
ON_FAILURE_UNSPECIFIED: OnFailure
ON_FAILURE_FAIL: OnFailure
ON_FAILURE_CONTINUE: OnFailure
RUN_STATE_UNSPECIFIED: RunState
RUN_STATE_RUNNING: RunState
RUN_STATE_SUCCEEDED: RunState
RUN_STATE_FAILED: RunState
RUN_STATE_CANCELLED: RunState
RUN_STATE_INTERRUPTED: RunState

class RunSpec(_message.Message):
    __slots__ = ("name", "seeds", "backend", "target", "foundation", "auxiliaries", "probe", "fine_tuning", "methods", "on_failure", "study", "backends", "device")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SEEDS_FIELD_NUMBER: _ClassVar[int]
    BACKEND_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    FOUNDATION_FIELD_NUMBER: _ClassVar[int]
    AUXILIARIES_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    FINE_TUNING_FIELD_NUMBER: _ClassVar[int]
    METHODS_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    STUDY_FIELD_NUMBER: _ClassVar[int]
    BACKENDS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    name: str
    seeds: _containers.RepeatedScalarFieldContainer[int]
    backend: str
    target: Target
    foundation: Foundation
    auxiliaries: _containers.RepeatedCompositeFieldContainer[Auxiliary]
    probe: Training
    fine_tuning: FineTuning
    methods: _containers.RepeatedScalarFieldContainer[str]
    on_failure: OnFailure
    study: Study
    backends: _containers.RepeatedScalarFieldContainer[str]
    device: str
    def __init__(self, name: _Optional[str] = ..., seeds: _Optional[_Iterable[int]] = ..., backend: _Optional[str] = ..., target: _Optional[_Union[Target, _Mapping]] = ..., foundation: _Optional[_Union[Foundation, _Mapping]] = ..., auxiliaries: _Optional[_Iterable[_Union[Auxiliary, _Mapping]]] = ..., probe: _Optional[_Union[Training, _Mapping]] = ..., fine_tuning: _Optional[_Union[FineTuning, _Mapping]] = ..., methods: _Optional[_Iterable[str]] = ..., on_failure: _Optional[_Union[OnFailure, str]] = ..., study: _Optional[_Union[Study, _Mapping]] = ..., backends: _Optional[_Iterable[str]] = ..., device: _Optional[str] = ...) -> None: ...

class Study(_message.Message):
    __slots__ = ("target", "held_out", "validation_fraction", "network", "foundation", "auxiliaries", "probe", "members", "fine_tuning", "ranges", "transform", "curves", "shared_images", "held_out_items", "arithmetic")
    class Task(_message.Message):
        __slots__ = ("source", "generator", "domains", "classes", "images")
        SOURCE_FIELD_NUMBER: _ClassVar[int]
        GENERATOR_FIELD_NUMBER: _ClassVar[int]
        DOMAINS_FIELD_NUMBER: _ClassVar[int]
        CLASSES_FIELD_NUMBER: _ClassVar[int]
        IMAGES_FIELD_NUMBER: _ClassVar[int]
        source: str
        generator: str
        domains: _containers.RepeatedScalarFieldContainer[str]
        classes: _containers.RepeatedScalarFieldContainer[str]
        images: _containers.RepeatedScalarFieldContainer[int]
        def __init__(self, source: _Optional[str] = ..., generator: _Optional[str] = ..., domains: _Optional[_Iterable[str]] = ..., classes: _Optional[_Iterable[str]] = ..., images: _Optional[_Iterable[int]] = ...) -> None: ...
    class Network(_message.Message):
        __slots__ = ("name", "channels", "size", "head", "hidden")
        NAME_FIELD_NUMBER: _ClassVar[int]
        CHANNELS_FIELD_NUMBER: _ClassVar[int]
        SIZE_FIELD_NUMBER: _ClassVar[int]
        HEAD_FIELD_NUMBER: _ClassVar[int]
        HIDDEN_FIELD_NUMBER: _ClassVar[int]
        name: str
        channels: int
        size: int
        head: _containers.RepeatedScalarFieldContainer[str]
        hidden: _containers.RepeatedScalarFieldContainer[int]
        def __init__(self, name: _Optional[str] = ..., channels: _Optional[int] = ..., size: _Optional[int] = ..., head: _Optional[_Iterable[str]] = ..., hidden: _Optional[_Iterable[int]] = ...) -> None: ...
    class Foundation(_message.Message):
        __slots__ = ("model", "pretraining")
        MODEL_FIELD_NUMBER: _ClassVar[int]
        PRETRAINING_FIELD_NUMBER: _ClassVar[int]
        model: str
        pretraining: Study.Pretraining
        def __init__(self, model: _Optional[str] = ..., pretraining: _Optional[_Union[Study.Pretraining, _Mapping]] = ...) -> None: ...
    class Pretraining(_message.Message):
        __slots__ = ("task", "training")
        TASK_FIELD_NUMBER: _ClassVar[int]
        TRAINING_FIELD_NUMBER: _ClassVar[int]
        task: Study.Task
        training: Study.Training
        def __init__(self, task: _Optional[_Union[Study.Task, _Mapping]] = ..., training: _Optional[_Union[Study.Training, _Mapping]] = ...) -> None: ...
    class Auxiliary(_message.Message):
        __slots__ = ("name", "models", "task", "probe", "training", "count")
        NAME_FIELD_NUMBER: _ClassVar[int]
        MODELS_FIELD_NUMBER: _ClassVar[int]
        TASK_FIELD_NUMBER: _ClassVar[int]
        PROBE_FIELD_NUMBER: _ClassVar[int]
        TRAINING_FIELD_NUMBER: _ClassVar[int]
        COUNT_FIELD_NUMBER: _ClassVar[int]
        name: str
        models: _containers.RepeatedScalarFieldContainer[str]
        task: Study.Task
        probe: Study.Training
        training: Study.Training
        count: int
        def __init__(self, name: _Optional[str] = ..., models: _Optional[_Iterable[str]] = ..., task: _Optional[_Union[Study.Task, _Mapping]] = ..., probe: _Optional[_Union[Study.Training, _Mapping]] = ..., training: _Optional[_Union[Study.Training, _Mapping]] = ..., count: _Optional[int] = ...) -> None: ...
    class Training(_message.Message):
        __slots__ = ("steps", "batch", "learning_rate", "weight_decay", "dropout", "head_only_steps", "validate_every", "with_replacement")
        STEPS_FIELD_NUMBER: _ClassVar[int]
        BATCH_FIELD_NUMBER: _ClassVar[int]
        LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
        WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
        DROPOUT_FIELD_NUMBER: _ClassVar[int]
        HEAD_ONLY_STEPS_FIELD_NUMBER: _ClassVar[int]
        VALIDATE_EVERY_FIELD_NUMBER: _ClassVar[int]
        WITH_REPLACEMENT_FIELD_NUMBER: _ClassVar[int]
        steps: int
        batch: int
        learning_rate: float
        weight_decay: float
        dropout: float
        head_only_steps: int
        validate_every: int
        with_replacement: bool
        def __init__(self, steps: _Optional[int] = ..., batch: _Optional[int] = ..., learning_rate: _Optional[float] = ..., weight_decay: _Optional[float] = ..., dropout: _Optional[float] = ..., head_only_steps: _Optional[int] = ..., validate_every: _Optional[int] = ..., with_replacement: bool = ...) -> None: ...
    class Ranges(_message.Message):
        __slots__ = ("draw", "learning_rates", "dropouts", "weight_decays")
        DRAW_FIELD_NUMBER: _ClassVar[int]
        LEARNING_RATES_FIELD_NUMBER: _ClassVar[int]
        DROPOUTS_FIELD_NUMBER: _ClassVar[int]
        WEIGHT_DECAYS_FIELD_NUMBER: _ClassVar[int]
        draw: str
        learning_rates: _containers.RepeatedScalarFieldContainer[float]
        dropouts: _containers.RepeatedScalarFieldContainer[float]
        weight_decays: _containers.RepeatedScalarFieldContainer[float]
        def __init__(self, draw: _Optional[str] = ..., learning_rates: _Optional[_Iterable[float]] = ..., dropouts: _Optional[_Iterable[float]] = ..., weight_decays: _Optional[_Iterable[float]] = ...) -> None: ...
    class Transform(_message.Message):
        __slots__ = ("training", "validation")
        TRAINING_FIELD_NUMBER: _ClassVar[int]
        VALIDATION_FIELD_NUMBER: _ClassVar[int]
        training: str
        validation: str
        def __init__(self, training: _Optional[str] = ..., validation: _Optional[str] = ...) -> None: ...
    class Curves(_message.Message):
        __slots__ = ("barriers", "curves", "points")
        BARRIERS_FIELD_NUMBER: _ClassVar[int]
        CURVES_FIELD_NUMBER: _ClassVar[int]
        POINTS_FIELD_NUMBER: _ClassVar[int]
        barriers: int
        curves: int
        points: int
        def __init__(self, barriers: _Optional[int] = ..., curves: _Optional[int] = ..., points: _Optional[int] = ...) -> None: ...
    TARGET_FIELD_NUMBER: _ClassVar[int]
    HELD_OUT_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FRACTION_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    FOUNDATION_FIELD_NUMBER: _ClassVar[int]
    AUXILIARIES_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    FINE_TUNING_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    TRANSFORM_FIELD_NUMBER: _ClassVar[int]
    CURVES_FIELD_NUMBER: _ClassVar[int]
    SHARED_IMAGES_FIELD_NUMBER: _ClassVar[int]
    HELD_OUT_ITEMS_FIELD_NUMBER: _ClassVar[int]
    ARITHMETIC_FIELD_NUMBER: _ClassVar[int]
    target: Study.Task
    held_out: _containers.RepeatedScalarFieldContainer[str]
    validation_fraction: float
    network: Study.Network
    foundation: Study.Foundation
    auxiliaries: _containers.RepeatedCompositeFieldContainer[Study.Auxiliary]
    probe: Study.Training
    members: int
    fine_tuning: Study.Training
    ranges: Study.Ranges
    transform: Study.Transform
    curves: Study.Curves
    shared_images: bool
    held_out_items: float
    arithmetic: str
    def __init__(self, target: _Optional[_Union[Study.Task, _Mapping]] = ..., held_out: _Optional[_Iterable[str]] = ..., validation_fraction: _Optional[float] = ..., network: _Optional[_Union[Study.Network, _Mapping]] = ..., foundation: _Optional[_Union[Study.Foundation, _Mapping]] = ..., auxiliaries: _Optional[_Iterable[_Union[Study.Auxiliary, _Mapping]]] = ..., probe: _Optional[_Union[Study.Training, _Mapping]] = ..., members: _Optional[int] = ..., fine_tuning: _Optional[_Union[Study.Training, _Mapping]] = ..., ranges: _Optional[_Union[Study.Ranges, _Mapping]] = ..., transform: _Optional[_Union[Study.Transform, _Mapping]] = ..., curves: _Optional[_Union[Study.Curves, _Mapping]] = ..., shared_images: bool = ..., held_out_items: _Optional[float] = ..., arithmetic: _Optional[str] = ...) -> None: ...

class Target(_message.Message):
    __slots__ = ("source", "domains", "held_out", "validation_fraction")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DOMAINS_FIELD_NUMBER: _ClassVar[int]
    HELD_OUT_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FRACTION_FIELD_NUMBER: _ClassVar[int]
    source: str
    domains: _containers.RepeatedScalarFieldContainer[float]
    held_out: _containers.RepeatedScalarFieldContainer[float]
    validation_fraction: float
    def __init__(self, source: _Optional[str] = ..., domains: _Optional[_Iterable[float]] = ..., held_out: _Optional[_Iterable[float]] = ..., validation_fraction: _Optional[float] = ...) -> None: ...

class Glyphs(_message.Message):
    __slots__ = ("classes", "images", "styles", "rotation")
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    STYLES_FIELD_NUMBER: _ClassVar[int]
    ROTATION_FIELD_NUMBER: _ClassVar[int]
    classes: int
    images: int
    styles: _containers.RepeatedScalarFieldContainer[str]
    rotation: float
    def __init__(self, classes: _Optional[int] = ..., images: _Optional[int] = ..., styles: _Optional[_Iterable[str]] = ..., rotation: _Optional[float] = ...) -> None: ...

class Training(_message.Message):
    __slots__ = ("steps", "batch", "learning_rate")
    STEPS_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    steps: int
    batch: int
    learning_rate: float
    def __init__(self, steps: _Optional[int] = ..., batch: _Optional[int] = ..., learning_rate: _Optional[float] = ...) -> None: ...

class Foundation(_message.Message):
    __slots__ = ("data", "hidden", "training")
    DATA_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    TRAINING_FIELD_NUMBER: _ClassVar[int]
    data: Glyphs
    hidden: _containers.RepeatedScalarFieldContainer[int]
    training: Training
    def __init__(self, data: _Optional[_Union[Glyphs, _Mapping]] = ..., hidden: _Optional[_Iterable[int]] = ..., training: _Optional[_Union[Training, _Mapping]] = ...) -> None: ...

class Auxiliary(_message.Message):
    __slots__ = ("name", "data", "probe", "training")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    TRAINING_FIELD_NUMBER: _ClassVar[int]
    name: str
    data: Glyphs
    probe: Training
    training: Training
    def __init__(self, name: _Optional[str] = ..., data: _Optional[_Union[Glyphs, _Mapping]] = ..., probe: _Optional[_Union[Training, _Mapping]] = ..., training: _Optional[_Union[Training, _Mapping]] = ...) -> None: ...

class FineTuning(_message.Message):
    __slots__ = ("members", "training", "validate_every", "learning_rate_factors", "dropouts", "weight_decays")
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    TRAINING_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_EVERY_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_FACTORS_FIELD_NUMBER: _ClassVar[int]
    DROPOUTS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAYS_FIELD_NUMBER: _ClassVar[int]
    members: int
    training: Training
    validate_every: int
    learning_rate_factors: _containers.RepeatedScalarFieldContainer[float]
    dropouts: _containers.RepeatedScalarFieldContainer[float]
    weight_decays: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, members: _Optional[int] = ..., training: _Optional[_Union[Training, _Mapping]] = ..., validate_every: _Optional[int] = ..., learning_rate_factors: _Optional[_Iterable[float]] = ..., dropouts: _Optional[_Iterable[float]] = ..., weight_decays: _Optional[_Iterable[float]] = ...) -> None: ...

class Run(_message.Message):
    __slots__ = ("id", "spec", "state", "error", "started_at_ms", "finished_at_ms", "stages", "worked_ms", "notes")
    ID_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    WORKED_MS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    id: str
    spec: RunSpec
    state: RunState
    error: str
    started_at_ms: int
    finished_at_ms: int
    stages: _containers.RepeatedCompositeFieldContainer[Stage]
    worked_ms: int
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., spec: _Optional[_Union[RunSpec, _Mapping]] = ..., state: _Optional[_Union[RunState, str]] = ..., error: _Optional[str] = ..., started_at_ms: _Optional[int] = ..., finished_at_ms: _Optional[int] = ..., stages: _Optional[_Iterable[_Union[Stage, _Mapping]]] = ..., worked_ms: _Optional[int] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class Stage(_message.Message):
    __slots__ = ("name", "total", "done", "running", "queued", "failed", "cached")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    name: str
    total: int
    done: int
    running: int
    queued: int
    failed: int
    cached: int
    def __init__(self, name: _Optional[str] = ..., total: _Optional[int] = ..., done: _Optional[int] = ..., running: _Optional[int] = ..., queued: _Optional[int] = ..., failed: _Optional[int] = ..., cached: _Optional[int] = ...) -> None: ...

class StartRunRequest(_message.Message):
    __slots__ = ("spec",)
    SPEC_FIELD_NUMBER: _ClassVar[int]
    spec: RunSpec
    def __init__(self, spec: _Optional[_Union[RunSpec, _Mapping]] = ...) -> None: ...

class StartRunResponse(_message.Message):
    __slots__ = ("run",)
    RUN_FIELD_NUMBER: _ClassVar[int]
    run: Run
    def __init__(self, run: _Optional[_Union[Run, _Mapping]] = ...) -> None: ...

class GetRunRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetRunResponse(_message.Message):
    __slots__ = ("run",)
    RUN_FIELD_NUMBER: _ClassVar[int]
    run: Run
    def __init__(self, run: _Optional[_Union[Run, _Mapping]] = ...) -> None: ...

class ListRunsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRunsResponse(_message.Message):
    __slots__ = ("runs", "next_page_token")
    RUNS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[Run]
    next_page_token: str
    def __init__(self, runs: _Optional[_Iterable[_Union[Run, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchRunRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class WatchRunResponse(_message.Message):
    __slots__ = ("run", "running", "ended", "remaining_seconds", "missing")
    RUN_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    REMAINING_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    run: Run
    running: _containers.RepeatedCompositeFieldContainer[_finetune_pb2.Job]
    ended: _containers.RepeatedCompositeFieldContainer[_finetune_pb2.Job]
    remaining_seconds: float
    missing: _containers.RepeatedCompositeFieldContainer[Missing]
    def __init__(self, run: _Optional[_Union[Run, _Mapping]] = ..., running: _Optional[_Iterable[_Union[_finetune_pb2.Job, _Mapping]]] = ..., ended: _Optional[_Iterable[_Union[_finetune_pb2.Job, _Mapping]]] = ..., remaining_seconds: _Optional[float] = ..., missing: _Optional[_Iterable[_Union[Missing, _Mapping]]] = ...) -> None: ...

class Missing(_message.Message):
    __slots__ = ("what", "jobs")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    what: str
    jobs: int
    def __init__(self, what: _Optional[str] = ..., jobs: _Optional[int] = ...) -> None: ...

class CancelRunRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class CancelRunResponse(_message.Message):
    __slots__ = ("run",)
    RUN_FIELD_NUMBER: _ClassVar[int]
    run: Run
    def __init__(self, run: _Optional[_Union[Run, _Mapping]] = ...) -> None: ...

class DeleteRunRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class DeleteRunResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetReportRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetReportResponse(_message.Message):
    __slots__ = ("chunk",)
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    def __init__(self, chunk: _Optional[bytes] = ...) -> None: ...

class ReproduceRequest(_message.Message):
    __slots__ = ("digest",)
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    digest: str
    def __init__(self, digest: _Optional[str] = ...) -> None: ...

class ReproduceResponse(_message.Message):
    __slots__ = ("progress", "result")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    progress: _finetune_pb2.Job
    result: Reproduction
    def __init__(self, progress: _Optional[_Union[_finetune_pb2.Job, _Mapping]] = ..., result: _Optional[_Union[Reproduction, _Mapping]] = ...) -> None: ...

class Reproduction(_message.Message):
    __slots__ = ("expected", "actual", "same", "recipe", "approximate", "metrics")
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_FIELD_NUMBER: _ClassVar[int]
    SAME_FIELD_NUMBER: _ClassVar[int]
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    APPROXIMATE_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    expected: str
    actual: str
    same: bool
    recipe: str
    approximate: bool
    metrics: _containers.RepeatedCompositeFieldContainer[ComparedMetric]
    def __init__(self, expected: _Optional[str] = ..., actual: _Optional[str] = ..., same: bool = ..., recipe: _Optional[str] = ..., approximate: bool = ..., metrics: _Optional[_Iterable[_Union[ComparedMetric, _Mapping]]] = ...) -> None: ...

class ComparedMetric(_message.Message):
    __slots__ = ("name", "expected", "actual", "tolerance", "same")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    SAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    expected: float
    actual: float
    tolerance: float
    same: bool
    def __init__(self, name: _Optional[str] = ..., expected: _Optional[float] = ..., actual: _Optional[float] = ..., tolerance: _Optional[float] = ..., same: bool = ...) -> None: ...
