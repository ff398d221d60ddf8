"""Usage of one call that took several requests."""

from collections.abc import MutableSequence
from typing import Literal

from aignehub.v1.usage_pb2 import ModalityTokens, Usage

_COUNTS = (
    "input_tokens", "output_tokens", "total_tokens", "cached_input_tokens", "cache_write_input_tokens",
    "reasoning_output_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens", "billed_characters",
    "billed_images", "cache_write_1h_input_tokens",
)  # fmt: skip
_COSTS: tuple[Literal["cost_nano_usd", "provider_cost_nano_usd"], ...] = ("cost_nano_usd", "provider_cost_nano_usd")
_MODALITIES = ("input_by_modality", "output_by_modality")
_INT32_MAX = 2**31 - 1


def add_usage(total: Usage, more: Usage) -> None:
    """Adds ``more`` to ``total``: estimated where either is, a cost only where both are known.

    A ``total`` that says nothing yet is nobody's usage, and becomes ``more``.
    """
    if not total.ByteSize():
        total.CopyFrom(more)
        return
    for name in _COUNTS:
        setattr(total, name, min(getattr(total, name) + getattr(more, name), _INT32_MAX))
    for name in _COSTS:
        if total.HasField(name) and more.HasField(name):
            setattr(total, name, getattr(total, name) + getattr(more, name))
        else:
            total.ClearField(name)  # a part of the cost would look like the whole
    for name in _MODALITIES:
        _add_modalities(getattr(total, name), getattr(more, name))
    for tool, calls in more.server_tool_calls.items():
        total.server_tool_calls[tool] += calls
    if more.HasField("billed_audio_duration"):
        seconds = total.billed_audio_duration.ToTimedelta() + more.billed_audio_duration.ToTimedelta()
        total.billed_audio_duration.FromTimedelta(seconds)
    total.estimated |= more.estimated


def _add_modalities(total: MutableSequence[ModalityTokens], more: MutableSequence[ModalityTokens]) -> None:
    known = {one.modality: one for one in total}
    for one in more:
        if one.modality in known:
            known[one.modality].tokens += one.tokens
        else:
            total.append(one)
