"""What can go wrong, by what follows from it. Messages are one sentence: which field, which value, what would be right."""

from __future__ import annotations

from dataclasses import dataclass


class RatatouilleError(Exception):
    """An error whose message is for people."""


class UsageError(RatatouilleError):
    """Wrong usage of the command: it ends with 2."""


class RefusedError(RatatouilleError):
    """The server refuses this trainer, whatever it asks for: a wrong token, another version. The command ends with 1."""


class PermanentError(RatatouilleError):
    """It fails the same way every time and everywhere: the job fails, and is not tried again. Training code may raise it."""


class RecipeError(PermanentError):
    """A recipe that asks for what cannot be, or does not fit its inputs.

    :param field: where in the recipe, such as `parameters.network`
    :param problem: what is wrong there; the message is `field problem`
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field


class ResultError(PermanentError):
    """What training code gave is not what its recipe makes: a name, a shape, a type, a number that is not finite."""


class TransferAborted(RatatouilleError):
    """Nobody waits for these bytes any more."""


class ElsewhereError(RatatouilleError):
    """This trainer lacks what the job needs (disk, memory, an engine), and another one may have it. Training code may raise it."""


class Stop(BaseException):
    """Raised out of `context` to end training code that is wanted no more. No `except Exception` catches it; let it through."""


class Cancelled(Stop):
    """Nobody needs the job any more, or another attempt has it."""


class Drained(Stop):
    """The trainer is asked to end. Its last state is saved; another trainer goes on from there."""


@dataclass(frozen=True)
class FieldViolation:
    """One wrong field of a request: its path, such as `models[2].digest`, and what is wrong with it."""

    field: str
    description: str


class ServiceError(RatatouilleError):
    """What a service answered, or that it did not.

    :ivar code: such as "UNAVAILABLE"
    :ivar reason: such as "JOB_DONE", for programs; "" where there is none
    :ivar violations: the fields that are wrong, where the service names them
    """

    def __init__(self, code: str, message: str, reason: str = "", violations: tuple[FieldViolation, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.violations = violations

    def __str__(self) -> str:
        """The message of the service, and below it the fields that it does not speak of."""
        message = str(self.args[0])
        unsaid = [one for one in self.violations if one.description not in message]
        return "\n".join([message, *(f"  {one.field} {one.description}" for one in unsaid)])

    def __reduce__(self) -> tuple[type[ServiceError], tuple[object, ...]]:
        return (ServiceError, (self.code, self.args[0], self.reason, self.violations))

    @property
    def passing(self) -> bool:
        """A service cannot be reached, or has no room on its disk: no failure of the job, however often it happens."""
        return self.code in ("UNAVAILABLE", "DEADLINE_EXCEEDED") or (self.code, self.reason) == ("RESOURCE_EXHAUSTED", "NO_SPACE")

    @property
    def lost(self) -> bool:
        """The attempt does not have its job any more, nobody needs it, or nobody knows it."""
        return self.code in ("ABORTED", "NOT_FOUND") or (self.code, self.reason) == ("CANCELLED", "JOB_CANCELLED")
