"""What may follow a failed attempt: pure rules, without a clock, a socket or a provider."""

from enum import Enum
from random import Random

from server.errors import Help, HubError, ProviderBadResponse


class Phase(Enum):
    """How far an attempt had come."""

    UNANSWERED = "unanswered"
    """No answer with success had begun."""
    ANSWERING = "answering"
    """One had begun, and nothing of it has been told to the caller."""
    TOLD = "told"
    """The caller has content of it."""


class Step(Enum):
    """What may be tried next, in the order in which it is."""

    CREDENTIAL = "another credential"
    PROVIDER = "another provider"
    REPEAT = "the same again"
    MODEL = "another model"


def phase_of(error: HubError, *, told: bool) -> Phase:
    """How far the attempt that ended with ``error`` had come."""
    if told:
        return Phase.TOLD
    return Phase.ANSWERING if error.answered else Phase.UNANSWERED


def steps(error: HubError, phase: Phase, *, streaming: bool) -> tuple[Step, ...]:
    """What may follow, best first; empty where the call must end with ``error``.

    Once the caller has content, nothing follows. Of a call that is answered whole, the answer is the content: one
    that had begun and broke off, or cannot be read, is paid for and is not asked for again. A stream's start says
    nothing yet, so there another provider may follow.
    """
    if phase is Phase.TOLD or not error.helps:
        return ()
    if not streaming and (phase is Phase.ANSWERING or (isinstance(error, ProviderBadResponse) and error.answered)):
        return ()
    helps = error.helps
    if phase is Phase.ANSWERING:
        helps &= ~Help.RETRY
    return tuple(step for helping, step in _STEPS if helping & helps)


_STEPS = (
    (Help.CREDENTIAL, Step.CREDENTIAL),
    (Help.PROVIDER, Step.PROVIDER),
    (Help.RETRY, Step.REPEAT),
    # Whatever another provider may mend, another model may too.
    (Help.MODEL | Help.PROVIDER | Help.CREDENTIAL | Help.RETRY, Step.MODEL),
)

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 8.0


def pause(repeats: int, retry_after: float | None, random: Random) -> float:
    """Seconds before the same is tried again, after ``repeats`` repeats: what the provider asks for, else jittered.

    Doubling from 0.25 s, of which half to the whole is waited, so that callers do not come back together.
    """
    if retry_after is not None:
        return retry_after
    return float(min(_FIRST_PAUSE * 2**repeats, _LONGEST_PAUSE)) * random.uniform(0.5, 1.0)
