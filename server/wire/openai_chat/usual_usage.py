"""The usual usage, read by its type: counts that add up, and no field that needs another look."""

from typing import Annotated

import msgspec
from aignehub.v1.usage_pb2 import Usage

from server.wire.json_value import Object

Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
_Nothing = Annotated[int, msgspec.Meta(ge=0, le=0)] | None


class Usual(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An object of which every field is read."""


class _InputDetails(Usual):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    audio_tokens: _Nothing = None


class _OutputDetails(Usual):
    reasoning_tokens: Count | None = None
    audio_tokens: _Nothing = None
    accepted_prediction_tokens: Count | None = None
    rejected_prediction_tokens: Count | None = None


class UsualUsage(Usual):
    """What ``read_usage`` reads without a second look, once it adds up."""

    prompt_tokens: Count
    completion_tokens: Count
    total_tokens: Count
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None
    prompt_cache_hit_tokens: Count | None = None
    prompt_cache_miss_tokens: Count | None = None
    num_cached_tokens: Count | None = None
    service_tier: str | None = None

    def adds_up(self) -> bool:
        """Whether there are tokens, their sum is the total, and what was cached is among them."""
        read = self.prompt_tokens
        return 0 < read + self.completion_tokens == self.total_tokens and self._cached() <= read

    def tell(self, usage: Usage) -> None:
        """Puts it into the contract's message."""
        usage.input_tokens = self.prompt_tokens
        usage.output_tokens = self.completion_tokens
        usage.total_tokens = self.total_tokens
        usage.cached_input_tokens = self._cached()
        if (details := self.prompt_tokens_details) is not None:
            usage.cache_write_input_tokens = details.cache_write_tokens or 0
        if (output := self.completion_tokens_details) is not None:
            usage.reasoning_output_tokens = output.reasoning_tokens or 0
            usage.accepted_prediction_tokens = output.accepted_prediction_tokens or 0
            usage.rejected_prediction_tokens = output.rejected_prediction_tokens or 0

    def _cached(self) -> int:
        details = self.prompt_tokens_details
        told = details.cached_tokens if details is not None else 0
        return told or self.prompt_cache_hit_tokens or self.num_cached_tokens or 0


def usual_usage(told: Object) -> Usage | None:
    """The usage where it is a usual one, of which nothing is left unread."""
    try:
        found = msgspec.convert(told, UsualUsage)
    except msgspec.ValidationError:
        return None
    if not found.adds_up():
        return None
    usage = Usage()
    found.tell(usage)
    return usage
