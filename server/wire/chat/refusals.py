"""Fields of a chat request that a format refuses, since they would change what the answer is; each by its path."""

from typing import Any

from aignehub.v1 import usage_pb2

from server.errors import UnsupportedByProvider


def one_choice(who: str, value: int) -> None:
    """For ``n`` where ``who`` answers once."""
    if value > 1:
        raise UnsupportedByProvider.of("n", f"{who} gives one choice")


def text_alone(who: str, value: Any) -> None:
    """For ``modalities`` where ``who`` writes."""
    for place, modality in enumerate(value):
        if modality != usage_pb2.MODALITY_TEXT:
            raise UnsupportedByProvider.of(f"modalities[{place}]", f"{who} answers in text")


def no_logprobs(name: str, who: str, value: Any) -> None:
    """For ``logprobs`` and ``top_logprobs``, each by its ``name``, where they are asked for."""
    if value:
        raise UnsupportedByProvider.of(name, f"{who} tells no log probabilities")


def refuse(name: str, why: str, _draft: object, _value: object) -> None:
    """For whatever value of the field, in the form of a format's tables."""
    raise UnsupportedByProvider.of(name, why)
