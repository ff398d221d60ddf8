"""The names of the audio models; those that misbehave are the chat models of that name."""

from server.sandbox.chat.faults import seconds_of

SPEAK, HEAR = "speak", "hear"
AUDIO = frozenset({SPEAK, HEAR})
GARBAGE = '{"text": <html>?? [[['
"""What is no JSON."""


def slowness(model: str) -> float | None:
    """Seconds that slow-<ms> waits; None for any other model."""
    family, _, parameter = model.partition("-")
    return seconds_of(parameter) if family == "slow" else None
