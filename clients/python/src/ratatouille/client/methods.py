"""The calls that people's client makes, beside those of `ratatouille.connection`."""

from __future__ import annotations

from .._generated import averaging_pb2, catalog_pb2, recycling_pb2, system_pb2, tensors_pb2
from ..connection import Method, Request, Response, method_of


def _catalog(name: str, request: type[Request], response: type[Response]) -> Method[Request, Response]:
    return method_of(catalog_pb2, "CatalogService", name, request, response)


def _averaging(name: str, request: type[Request], response: type[Response]) -> Method[Request, Response]:
    return method_of(averaging_pb2, "AveragingService", name, request, response)


def _recycling(name: str, request: type[Request], response: type[Response]) -> Method[Request, Response]:
    return method_of(recycling_pb2, "RecyclingService", name, request, response)


_c, _a, _r = catalog_pb2, averaging_pb2, recycling_pb2
IMPORT_MODEL = _catalog("ImportModel", _c.ImportModelRequest, _c.ImportModelResponse)
READ_TENSORS = _catalog("ReadTensors", tensors_pb2.ReadTensorsRequest, tensors_pb2.ReadTensorsResponse)
GET_ARTIFACT = _catalog("GetArtifact", _c.GetArtifactRequest, _c.GetArtifactResponse)
LIST_ARTIFACTS = _catalog("ListArtifacts", _c.ListArtifactsRequest, _c.ListArtifactsResponse)
GET_LINEAGE = _catalog("GetLineage", _c.GetLineageRequest, _c.GetLineageResponse)
MOVE_REF = _catalog("MoveRef", _c.MoveRefRequest, _c.MoveRefResponse)
LIST_REFS = _catalog("ListRefs", _c.ListRefsRequest, _c.ListRefsResponse)
CREATE_TAG = _catalog("CreateTag", _c.CreateTagRequest, _c.CreateTagResponse)
AVERAGE = _averaging("Average", _a.AverageRequest, _a.AverageResponse)
LIST_METHODS = _averaging("ListMethods", _a.ListMethodsRequest, _a.ListMethodsResponse)
OPEN_SESSION = _averaging("OpenSession", _a.OpenSessionRequest, _a.OpenSessionResponse)
GET_SESSION = _averaging("GetSession", _a.GetSessionRequest, _a.GetSessionResponse)
LIST_SESSIONS = _averaging("ListSessions", _a.ListSessionsRequest, _a.ListSessionsResponse)
CONTRIBUTE = _averaging("Contribute", _a.ContributeRequest, _a.ContributeResponse)
WITHDRAW = _averaging("Withdraw", _a.WithdrawRequest, _a.WithdrawResponse)
SNAPSHOT = _averaging("Snapshot", _a.SnapshotRequest, _a.SnapshotResponse)
WATCH_SESSION = _averaging("WatchSession", _a.WatchSessionRequest, _a.WatchSessionResponse)
CLOSE_SESSION = _averaging("CloseSession", _a.CloseSessionRequest, _a.CloseSessionResponse)
START_RUN = _recycling("StartRun", _r.StartRunRequest, _r.StartRunResponse)
GET_RUN = _recycling("GetRun", _r.GetRunRequest, _r.GetRunResponse)
LIST_RUNS = _recycling("ListRuns", _r.ListRunsRequest, _r.ListRunsResponse)
WATCH_RUN = _recycling("WatchRun", _r.WatchRunRequest, _r.WatchRunResponse)
CANCEL_RUN = _recycling("CancelRun", _r.CancelRunRequest, _r.CancelRunResponse)
GET_REPORT = _recycling("GetReport", _r.GetReportRequest, _r.GetReportResponse)
WATCH_EVENTS = method_of(system_pb2, "SystemService", "WatchEvents", system_pb2.WatchEventsRequest, system_pb2.WatchEventsResponse)
