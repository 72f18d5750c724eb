"""Says that the trainer is there, again and again, from a thread of its own."""

from __future__ import annotations

import threading

from .._generated.finetune_pb2 import AnnounceTrainerRequest, Trainer
from ..connection import ANNOUNCE, Connection
from ..errors import RefusedError, ServiceError
from .log import Log
from .threads import start_thread

#: The version of finetune.proto's contract that this package speaks.
CONTRACT = 1
_AGAIN_SECONDS = 0.5
_TIMEOUT_SECONDS = 2.0
_LEAVE_SECONDS = 0.3


class Announcer:
    """Announces a trainer until it leaves.

    :ivar heard: the service has heard of it
    """

    def __init__(self, connection: Connection, trainer: Trainer, log: Log) -> None:
        self._connection = connection
        self._log = log
        self._away = ""
        self._trainer = trainer
        self._again = threading.Event()
        self._leaving = False
        self.heard = threading.Event()
        #: Why the service wants nothing of this trainer.
        self.refused: RefusedError | None = None

    def start(self) -> None:
        start_thread(self._run, "announce")

    def again(self) -> None:
        """The service does not know it: it was started anew."""
        self._again.set()

    def leave(self) -> None:
        """Says that it takes no more work. A service that does not hear it misses the trainer when its lease ends."""
        self._leaving = True
        self._again.set()
        try:
            request = AnnounceTrainerRequest(trainer=self._trainer, leaves=True, contract=CONTRACT)
            self._connection.call(ANNOUNCE, request, seconds=_LEAVE_SECONDS, retry=False, traced=False)
        except ServiceError:
            pass

    def _run(self) -> None:
        while not self._leaving:
            wait = _AGAIN_SECONDS
            try:
                request = AnnounceTrainerRequest(trainer=self._trainer, contract=CONTRACT)
                answer = self._connection.call(ANNOUNCE, request, seconds=_TIMEOUT_SECONDS, retry=False, traced=False)
                wait = answer.lease_seconds / 3
                self._tell("")
                self.heard.set()
            except ServiceError as error:
                self.refused = refusal(error)
                if self.refused is not None:
                    self.heard.set()
                    return
                self._tell(str(error))
            self._again.wait(wait)
            self._again.clear()

    def _tell(self, problem: str) -> None:
        """Says once that the service is away, why, and when it is there again."""
        if problem and not self._away:
            self._log.warn("the server does not hear this trainer; it is asked again until it does", error=problem)
        elif self._away and not problem:
            self._log.info("the server hears this trainer")
        self._away = problem


def refusal(error: ServiceError) -> RefusedError | None:
    """What the server refuses whatever this trainer asks for, as one sentence; None for other errors."""
    if error.code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
        return RefusedError(f"the server does not take this token: set RATATOUILLE_TOKEN to that of the server ({error})")
    if error.code == "UNIMPLEMENTED" or error.reason == "CONTRACT_UNKNOWN":
        return RefusedError(f"the server is of another version than this package, which speaks contract {CONTRACT} of trainers: {error}")
    if error.code == "INVALID_ARGUMENT":
        return RefusedError(f"the server does not take what this trainer says of itself: {error}")
    return None
