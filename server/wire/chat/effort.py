"""Named levels of reasoning as a host has them."""

from collections.abc import Mapping

from server.wire.chat.adjustments import Adjustments


def effort_word(level: int, efforts: Mapping[int, str], notes: Adjustments) -> str:
    """The host's word for a level; for one that it lacks, the word of the next lower one, which is noted."""
    word = efforts.get(level)
    if word is None:
        nearest = max((known for known in efforts if known < level), default=min(efforts))
        word = efforts[nearest]
        notes.drop("reasoning.effort", f"the provider's nearest level is {word}")
    return word
