from . import events_pb2 as _events_pb2
from . import usage_pb2 as _usage_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetSystemRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetSystemResponse(_message.Message):
    __slots__ = ("version", "services", "runtime", "trainers", "processes", "usage")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    RUNTIME_FIELD_NUMBER: _ClassVar[int]
    TRAINERS_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    version: str
    services: _containers.RepeatedScalarFieldContainer[str]
    runtime: str
    trainers: _containers.RepeatedCompositeFieldContainer[TrainerProcess]
    processes: _containers.RepeatedCompositeFieldContainer[ServiceProcess]
    usage: _usage_pb2.Usage
    def __init__(self, version: _Optional[str] = ..., services: _Optional[_Iterable[str]] = ..., runtime: _Optional[str] = ..., trainers: _Optional[_Iterable[_Union[TrainerProcess, _Mapping]]] = ..., processes: _Optional[_Iterable[_Union[ServiceProcess, _Mapping]]] = ..., usage: _Optional[_Union[_usage_pb2.Usage, _Mapping]] = ...) -> None: ...

class ServiceProcess(_message.Message):
    __slots__ = ("service", "address", "version", "runtime", "ready", "checks", "problem")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RUNTIME_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    service: str
    address: str
    version: str
    runtime: str
    ready: bool
    checks: _containers.RepeatedCompositeFieldContainer[ServiceCheck]
    problem: str
    def __init__(self, service: _Optional[str] = ..., address: _Optional[str] = ..., version: _Optional[str] = ..., runtime: _Optional[str] = ..., ready: bool = ..., checks: _Optional[_Iterable[_Union[ServiceCheck, _Mapping]]] = ..., problem: _Optional[str] = ...) -> None: ...

class ServiceCheck(_message.Message):
    __slots__ = ("name", "problem")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    name: str
    problem: str
    def __init__(self, name: _Optional[str] = ..., problem: _Optional[str] = ...) -> None: ...

class TrainerProcess(_message.Message):
    __slots__ = ("name", "pid", "restarts")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    RESTARTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    pid: int
    restarts: int
    def __init__(self, name: _Optional[str] = ..., pid: _Optional[int] = ..., restarts: _Optional[int] = ...) -> None: ...

class WatchEventsRequest(_message.Message):
    __slots__ = ("subjects", "since_ms")
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    subjects: _containers.RepeatedScalarFieldContainer[str]
    since_ms: int
    def __init__(self, subjects: _Optional[_Iterable[str]] = ..., since_ms: _Optional[int] = ...) -> None: ...

class WatchEventsResponse(_message.Message):
    __slots__ = ("event", "current")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    event: Event
    current: bool
    def __init__(self, event: _Optional[_Union[Event, _Mapping]] = ..., current: bool = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("id", "subject", "at_ms", "traceparent", "job_finished", "artifact_published", "run_finished", "run_started", "ref_moved")
    ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    JOB_FINISHED_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_PUBLISHED_FIELD_NUMBER: _ClassVar[int]
    RUN_FINISHED_FIELD_NUMBER: _ClassVar[int]
    RUN_STARTED_FIELD_NUMBER: _ClassVar[int]
    REF_MOVED_FIELD_NUMBER: _ClassVar[int]
    id: str
    subject: str
    at_ms: int
    traceparent: str
    job_finished: _events_pb2.JobFinished
    artifact_published: _events_pb2.ArtifactPublished
    run_finished: _events_pb2.RunFinished
    run_started: _events_pb2.RunStarted
    ref_moved: _events_pb2.RefMoved
    def __init__(self, id: _Optional[str] = ..., subject: _Optional[str] = ..., at_ms: _Optional[int] = ..., traceparent: _Optional[str] = ..., job_finished: _Optional[_Union[_events_pb2.JobFinished, _Mapping]] = ..., artifact_published: _Optional[_Union[_events_pb2.ArtifactPublished, _Mapping]] = ..., run_finished: _Optional[_Union[_events_pb2.RunFinished, _Mapping]] = ..., run_started: _Optional[_Union[_events_pb2.RunStarted, _Mapping]] = ..., ref_moved: _Optional[_Union[_events_pb2.RefMoved, _Mapping]] = ...) -> None: ...
