"""Sessions: averages that grow while contributions arrive."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .._generated import averaging_pb2 as pb
from ..artifacts import Patience
from ..cancellation import wanted
from ..connection import Connection, Method
from ..content import Content
from ..errors import ServiceError, UsageError
from .artifact import Artifact, artifact_of
from .given import Name, Weights, content_of
from .methods import CLOSE_SESSION, CONTRIBUTE, GET_SESSION, SNAPSHOT, WATCH_SESSION, WITHDRAW
from .page import size_text, table
from .progress import Moved, meter

if TYPE_CHECKING:
    from .client import Client

#: After these the same call goes on where the service has stopped.
_AGAIN = ("TAKEN_OVER", "CHUNK_DAMAGED", "STALLED")


@dataclass(frozen=True)
class SessionState:
    """A session at one moment.

    :ivar state: "open", "closing", "closed", "expired"
    :ivar committed: contributions that count
    :ivar staging: those that have begun and are not complete
    :ivar staged: bytes that contributions take on the disk of the service
    :ivar artifact: digest of the last snapshot; "" where there is none
    """

    id: str
    state: str
    method: str
    dtype: str
    committed: int
    staging: int
    staged: int
    tensors: int
    opened: datetime
    expires: datetime
    artifact: str

    def _row(self) -> dict[str, object]:
        return {
            "session": self.id,
            "state": self.state,
            "method": self.method,
            "contributions": self.committed,
            "arriving": self.staging,
            "on disk": size_text(self.staged),
            "expires": f"{self.expires:%Y-%m-%d %H:%M} UTC",
            "last snapshot": self.artifact,
        }

    def _repr_html_(self) -> str:
        return table(["", ""], list(self._row().items()))


def session_state_of(told: pb.Session) -> SessionState:
    return SessionState(
        id=told.id,
        state=pb.SessionState.Name(told.state).removeprefix("SESSION_STATE_").lower(),
        method=told.method,
        dtype=told.dtype,
        committed=told.committed,
        staging=told.staging,
        staged=told.staged_bytes,
        tensors=told.tensors,
        opened=datetime.fromtimestamp(told.opened_at, timezone.utc),
        expires=datetime.fromtimestamp(told.expires_at, timezone.utc),
        artifact=told.artifact,
    )


class Session:
    """One session. Who has its id may look at it and take snapshots; contributing, withdrawing and closing need its secret.

    :ivar id: what others join it by
    :ivar secret: told once, to who opened it; "" where this client does not have it
    """

    def __init__(self, client: Client, id: str, secret: str = "") -> None:
        self._client = client
        self._connection: Connection = client._connection
        self.id = id
        self.secret = secret

    def __repr__(self) -> str:
        return f"<Session {self.id} at {self._connection.address}{'' if self.secret else ', without its secret'}>"

    def _repr_html_(self) -> str:
        return self.state()._repr_html_()

    def state(self) -> SessionState:
        """How it is now. Raises ServiceError: NOT_FOUND (SESSION_NOT_FOUND)."""
        return session_state_of(self._connection.call(GET_SESSION, pb.GetSessionRequest(session_id=self.id)).session)

    def contribute(self, weights: Weights, contributor: str, *, weight: float | None = None, artifact: Name | None = None) -> bool:
        """Adds weights to the average. They count once, and all or nothing; what breaks goes on where the service has stopped, also when
        the same call is made again later.

        :param contributor: who contributes: 1 to 200 characters
        :param weight: where the session's method has weights and the session does not say them
        :param artifact: the model of the catalog whose weights these are, if they are one: the average then names it as its input
        :returns: False where this contribution counted before
        :raises UsageError: for weights that are none, and without the secret
        :raises ServiceError: ALREADY_EXISTS (CONTRIBUTOR_COUNTED) where the contributor has another contribution; INVALID_ARGUMENT
            (LAYOUT_MISMATCH, NOT_FINITE) for weights that do not fit; FAILED_PRECONDITION (SESSION_OVER)
        """
        secret = self._need_secret("contribute to")
        content = content_of(weights)
        header = pb.ContributionHeader(
            session_id=self.id,
            secret=secret,
            contributor=contributor,
            size_bytes=content.size,
            digest=content.digest,
            weight=weight,
            artifact="" if artifact is None else self._client.get(artifact).digest,
        )

        def request(chunk: pb.ContributionChunk | None) -> pb.ContributeRequest:
            return pb.ContributeRequest(header=header) if chunk is None else pb.ContributeRequest(chunk=chunk)

        with meter(self._client.progress, f"contribute {content.name}", content.size) as moved:
            answer = _send(self._connection, CONTRIBUTE, request, content, "committed", moved)
        return not answer.committed.existed

    def withdraw(self, contributor: str, weights: Weights | None = None) -> None:
        """Takes a contribution out of the average.

        :param weights: the same as were contributed; only where the service has them no more
        :raises ServiceError: NOT_FOUND (CONTRIBUTION_NOT_FOUND); FAILED_PRECONDITION (BYTES_NEEDED): it needs `weights`
        """
        header = pb.WithdrawHeader(session_id=self.id, secret=self._need_secret("withdraw from"), contributor=contributor)
        content = None if weights is None else content_of(weights)

        def request(chunk: pb.ContributionChunk | None) -> pb.WithdrawRequest:
            return pb.WithdrawRequest(header=header) if chunk is None else pb.WithdrawRequest(chunk=chunk)

        with meter(self._client.progress, f"withdraw {contributor}", 0 if content is None else content.size) as moved:
            _send(self._connection, WITHDRAW, request, content, "withdrawn", moved)

    def snapshot(self, ref: str | None = None) -> Artifact:
        """Publishes the average of what counts at this moment, and moves a ref to it where one is given.

        :raises ServiceError: FAILED_PRECONDITION (NOTHING_COMMITTED)
        """
        request = pb.SnapshotRequest(session_id=self.id)
        return self._client._made(self._connection.receive(SNAPSHOT, request), "snapshot", ref)

    def close(self, *, snapshot: bool = False) -> Artifact | None:
        """Ends it, after a last snapshot if that is asked for. Closing twice is closing once."""
        request = pb.CloseSessionRequest(session_id=self.id, secret=self._need_secret("close"), snapshot=snapshot)
        answer = self._connection.call(CLOSE_SESSION, request, seconds=3600)
        return artifact_of(answer.artifact) if answer.HasField("artifact") else None

    def watch(self) -> Iterator[SessionState]:
        """How it is now and after each change, until it ends."""
        for answer in self._connection.receive(WATCH_SESSION, pb.WatchSessionRequest(session_id=self.id)):
            yield session_state_of(answer.session)

    def _need_secret(self, what: str) -> str:
        if not self.secret:
            raise UsageError(f"to {what} the session {self.id}, give its secret: client.session(id, secret=…); who opened it was told it")
        return self.secret


class _Allowance:
    """From where the service wants bytes, and up to where they may be sent."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._until = -1
        self._over = False
        self.offset = 0

    def set(self, offset: int, until: int) -> None:
        with self._changed:
            if self._until < 0:
                self.offset = offset
            self._until = until
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def wait_for(self, end: int) -> bool:
        """Waits until bytes up to `end` may be sent; False once the call is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._until >= end)
            return not self._over


def _send(
    connection: Connection,
    method: Method[Any, Any],
    request: Callable[[pb.ContributionChunk | None], Any],
    content: Content | None,
    last: str,
    moved: Moved,
) -> Any:
    """A call that takes bytes as far as the service asks for them, made again where it breaks. Returns its last answer."""
    patience = Patience()
    while True:
        allowance = _Allowance()
        try:
            for answer in connection.exchange(method, _requests(allowance, request, content, patience, moved)):
                if answer.WhichOneof("event") == last:
                    return answer
                allowance.set(answer.send.offset, answer.send.until)
            raise ServiceError("UNAVAILABLE", f"{connection.address} ended the call without an answer")
        except ServiceError as error:
            if wanted().is_set():
                raise
            patience.wait_or_raise(error, again=error.reason in _AGAIN)
        finally:
            allowance.end()


def _requests(
    allowance: _Allowance, request: Callable[[pb.ContributionChunk | None], Any], content: Content | None, patience: Patience, moved: Moved
) -> Iterator[Any]:
    yield request(None)
    if not allowance.wait_for(0) or content is None:
        return
    at = allowance.offset
    for window in content.windows(at):
        at += len(window)
        if not allowance.wait_for(at):
            return
        yield request(pb.ContributionChunk(data=window, crc32=zlib.crc32(window)))
        patience.moved()
        moved(at)
