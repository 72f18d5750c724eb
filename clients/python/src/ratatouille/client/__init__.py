"""The client for people: weights in and out, averages, sessions, runs. See `Client`."""

from __future__ import annotations

from .artifact import Artifact, File
from .asynchronous import AsyncClient, AsyncRun, AsyncSession
from .client import Client
from .events import Event
from .lineage import Lineage
from .method import MergeMethod, Parameter
from .page import Listing
from .ref import Ref, RefMove
from .run import Report, Run, RunState, Stage
from .session import Session, SessionState

__all__ = [
    "Artifact",
    "AsyncClient",
    "AsyncRun",
    "AsyncSession",
    "Client",
    "Event",
    "File",
    "Lineage",
    "Listing",
    "MergeMethod",
    "Parameter",
    "Ref",
    "RefMove",
    "Report",
    "Run",
    "RunState",
    "Session",
    "SessionState",
    "Stage",
]
