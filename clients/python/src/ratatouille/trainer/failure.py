"""What follows from an error that ended an attempt."""

from __future__ import annotations

import errno

from ..errors import ElsewhereError, PermanentError, RatatouilleError


class LostAttempt(Exception):
    """The attempt does not have its job any more."""


class GivenUp(Exception):
    """The trainer ends, and the job is to be given back."""


class Failure(Exception):
    """What the service is told of an attempt that failed."""

    def __init__(self, sentence: str, *, permanent: bool = False, elsewhere: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.permanent = permanent
        self.elsewhere = elsewhere


def failure_of(error: BaseException) -> Failure:
    """Any error as a failure."""
    if isinstance(error, Failure):
        return error
    no_room = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if no_room:
        return Failure(f"the disk of this trainer is full: {error}", elsewhere=True)
    sentence = str(error) if isinstance(error, RatatouilleError) else f"{type(error).__name__}: {error}"
    # A directory that cannot be written, memory that is not there: of this machine, not of the job.
    elsewhere = isinstance(error, (ElsewhereError, MemoryError, OSError))
    return Failure(sentence, permanent=isinstance(error, PermanentError), elsewhere=elsewhere)
