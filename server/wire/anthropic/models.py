"""What the models of each generation take, by their names.

https://platform.claude.com/docs/en/about-claude/models/overview for output limits,
https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting for thinking,
https://platform.claude.com/docs/en/build-with-claude/effort for effort.
"""

import re
from dataclasses import dataclass

_FAMILIES = "opus|sonnet|haiku|fable|mythos"
# claude-opus-4-5-20251101, claude-sonnet-5, anthropic.claude-haiku-4-5-20251001-v1:0, claude-opus-4-5@20251101
_NAMED = re.compile(rf"claude-({_FAMILIES})-(\d{{1,2}})(?:[-.](\d{{1,2}}))?(?!\d)")
# claude-3-5-sonnet-20241022, claude-3-opus-20240229, claude-4-opus-20250514
_NUMBERED = re.compile(rf"claude-(\d)(?:[-.](\d))?-({_FAMILIES})")
_OLDEST = re.compile(r"claude-(2|instant)")
_PREVIEW = "mythos-preview"

_LEVELS = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class Model:
    """What one model takes. The defaults are those of a name that tells nothing, such as a deployment's."""

    max_output: int = 64_000
    """Most tokens of an answer, reasoning included."""
    thinking: frozenset[str] = frozenset({"adaptive", "disabled"})
    """Values of ``thinking.type`` that it takes."""
    thinks_unasked: bool = True
    display: bool = True
    """Takes ``thinking.display``."""
    efforts: tuple[str, ...] = _LEVELS
    """Levels of ``output_config.effort``, lowest first."""
    sampling: bool = True
    """Takes temperature, top_p and top_k."""
    one_sampler: bool = False
    """Refuses temperature and top_p together."""
    structured: bool = True
    """Holds an answer, or a tool's input, to a schema."""
    forced_tools: bool = True
    """Can be made to call a tool."""
    system_turns: bool = False
    """Takes system messages within the conversation."""


def model_facts(name: str) -> Model:
    """What is known of the model called ``name``, whatever host's way of writing it."""
    name = name.lower()
    if _PREVIEW in name:
        return _facts("mythos", (4, 6), preview=True)
    if (found := _NAMED.search(name)) is not None:
        return _facts(found[1], (int(found[2]), int(found[3] or 0)))
    if (found := _NUMBERED.search(name)) is not None:
        return _facts(found[3], (int(found[1]), int(found[2] or 0)))
    return _facts("", (2, 0)) if _OLDEST.search(name) else Model()


def _facts(family: str, version: tuple[int, int], *, preview: bool = False) -> Model:
    best = family in ("fable", "mythos")
    return Model(
        max_output=_max_output(family, version),
        thinking=_thinking(family, version, preview=preview),
        thinks_unasked=version >= (5, 0) or best,
        display=version >= (4, 0),
        efforts=_efforts(family, version),
        # https://platform.claude.com/docs/en/about-claude/models/migration-guide: gone with Claude Opus 4.7.
        sampling=version <= (4, 6) and not best,
        one_sampler=(4, 1) <= version <= (4, 6),
        # https://platform.claude.com/docs/en/build-with-claude/structured-outputs
        structured=version >= (4, 5),
        # https://platform.claude.com/docs/en/models/opus-5-5/whats-new-opus-5-5#forced-tool-use-is-not-supported
        forced_tools=version < ((5, 1) if best else (5, 5)) or family == "haiku",
        # https://platform.claude.com/docs/en/build-with-claude/prompt-caching#mid-conversation-system-messages
        system_turns=(best and version >= (5, 0)) or (family == "opus" and version >= (4, 8)),
    )


def _max_output(family: str, version: tuple[int, int]) -> int:
    if version < (3, 5):
        return 4_096
    if version < (3, 7):
        return 8_192
    if family == "opus" and version < (4, 5):
        return 32_000
    return 64_000 if version < (4, 6) else 128_000


def _thinking(family: str, version: tuple[int, int], *, preview: bool) -> frozenset[str]:
    if version < (3, 7):
        return frozenset()
    if preview:
        return frozenset({"enabled", "adaptive"})
    if version < (4, 6):
        return frozenset({"enabled", "disabled"})
    if version < (4, 7):
        return frozenset({"enabled", "adaptive", "disabled"})
    if family in ("fable", "mythos") or (family == "opus" and version >= (5, 5)):
        return frozenset({"adaptive"})
    if family == "sonnet" and version >= (5, 5):
        # https://platform.claude.com/docs/en/models/sonnet-5-5/whats-new-sonnet-5-5#turn-off-up-front-thinking
        return frozenset({"adaptive", "between_tools"})
    return frozenset({"adaptive", "disabled"})


def _efforts(family: str, version: tuple[int, int]) -> tuple[str, ...]:
    if version >= (4, 7):
        return _LEVELS
    if version >= (4, 6):
        return ("low", "medium", "high", "max")
    return ("low", "medium", "high") if family == "opus" and version == (4, 5) else ()
