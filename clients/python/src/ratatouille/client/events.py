"""What happens in a system, as it happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from google.protobuf import json_format

from .._generated import system_pb2
from ..connection import Connection
from .methods import WATCH_EVENTS


@dataclass(frozen=True)
class Event:
    """Something that happened.

    :ivar subject: such as "ratatouille.v1.artifact.published"
    :ivar at: when
    :ivar payload: what it says, such as {"digest": "sha256:…", "recipe_key": "sha256:…", "kind": "ARTIFACT_KIND_MODEL"}
    """

    id: str
    subject: str
    at: datetime
    payload: Mapping[str, Any]


def watch_events(connection: Connection, subjects: Sequence[str], since: datetime | None) -> Iterator[Event]:
    since_ms = 0 if since is None else round(1000 * since.timestamp())
    for answer in connection.receive(WATCH_EVENTS, system_pb2.WatchEventsRequest(subjects=subjects, since_ms=since_ms)):
        if not answer.HasField("event"):
            continue
        event = answer.event
        kind = event.WhichOneof("payload")
        payload = {} if kind is None else json_format.MessageToDict(getattr(event, kind), preserving_proto_field_name=True)
        yield Event(event.id, event.subject, datetime.fromtimestamp(event.at_ms / 1000, timezone.utc), payload)
