"""What Converse takes for the models of each maker, by their ids.

https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html, and the
pages that single rows cite. An id that tells no maker, such as an application inference profile's ARN, is sent
everything: what its model refuses, Bedrock says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from server.wire.anthropic.models import Model as Claude
from server.wire.anthropic.models import model_facts

_MAKERS = (
    "ai21|amazon|anthropic|cohere|deepseek|google|luma|meta|minimax|mistral|moonshotai|moonshot|nvidia|openai|qwen|"
    "stability|twelvelabs|writer|zai"
)
# us.anthropic.claude-…, arn:aws:bedrock:…:foundation-model/amazon.nova-…, arn:…:inference-profile/eu.meta.llama…
_ID = re.compile(rf"(?:.*/)?(?:[a-z]{{2,6}}(?:-[a-z]{{2,4}})?\.)?(?P<name>(?:{_MAKERS})\..+)")


def foundation_model(model: str) -> str:
    """The id of the model behind an inference profile or an ARN, ``anthropic.claude-…``; empty where it is not told."""
    found = _ID.fullmatch(model)
    return found["name"] if found else ""


@dataclass(frozen=True, slots=True)
class Family:
    """What a group of models takes. The defaults are those of a model nobody described."""

    choices: frozenset[str] = frozenset({"any", "tool"})
    """Ways of ``toolChoice`` to make the model call a tool; the choice among none and some is always its own."""
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Tuning that Converse has no field for: where it goes in ``additionalModelRequestFields``."""
    schema: str = "native"
    """How an answer is held to a schema: native (``outputConfig``), tool (one that must be called), or not at all."""
    any_object: bool = True
    """A schema may leave open what an object holds, which is what JSON of any form is asked for with."""
    strict_tools: bool = True
    reasoning: str = ""
    """How it is told to reason: claude, nova, or the name of the field for a level; empty where it cannot be told."""
    replays_reasoning: str = "any"
    """What goes back of its reasoning: signed blocks, unsigned ones, any of both; empty where nothing does."""
    caches: frozenset[str] = frozenset({"system", "messages", "tools"})
    """Where it takes a cache point."""
    system: bool = True
    """Takes instructions as such; others find them before the first message."""
    max_stop: int = 2500
    """Most stop sequences; Converse itself takes 2,500."""
    cites: bool = True
    """Cites documents where it is asked to."""
    tool_status: bool = True
    """Takes the mark of a tool that failed."""
    json_results: bool = False
    """Reads results of tools as JSON objects alone."""
    native_choice: bool = False
    """Takes the native ``tool_choice``, which can forbid tools, or several calls at once."""
    grounding: str = ""
    """The tool it searches the web with."""
    claude: Claude | None = None


_NONE: frozenset[str] = frozenset()
_ANY = frozenset({"any"})
# https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
_CACHES_NOTHING = re.compile(r"anthropic\.claude-(v\d|instant|3-(haiku|sonnet|opus)|3-5-sonnet-20240620)")
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolChoice.html
_OPEN = Family(replays_reasoning="unsigned", caches=_NONE, cites=False, tool_status=False)
_PLAIN = replace(_OPEN, choices=_NONE, schema="", strict_tools=False)

_NOVA = Family(
    # https://docs.aws.amazon.com/nova/latest/userguide/complete-request-schema.html
    extras={"top_k": ("inferenceConfig", "topK")},
    schema="tool",
    strict_tools=False,
    replays_reasoning="unsigned",
    caches=frozenset({"system", "messages"}),
    cites=False,
    max_stop=4,
)

_FAMILIES: tuple[tuple[re.Pattern[str], Family], ...] = tuple(
    (re.compile(pattern), family)
    for pattern, family in (
        # https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html and …/web-grounding.html
        (r"amazon\.nova-2", replace(_NOVA, reasoning="nova", grounding="nova_grounding")),
        (r"amazon\.nova-premier", replace(_NOVA, grounding="nova_grounding")),
        (r"amazon\.nova", _NOVA),
        (r"amazon\.titan", replace(_PLAIN, system=False)),
        # https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-meta.html: no stop sequences.
        (r"meta\.", replace(_PLAIN, max_stop=0)),
        # https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-mistral-chat-completion.html
        (r"mistral\.(mistral-7b|mixtral)", replace(_PLAIN, extras={"top_k": ("top_k",)}, system=False)),
        (r"mistral\.(mistral|pixtral)-large", replace(_PLAIN, choices=_ANY, schema="tool", json_results=True)),
        (r"mistral\.", replace(_OPEN, json_results=True)),
        # https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-cohere-command-r-plus.html
        (
            r"cohere\.",
            replace(
                _PLAIN,
                extras={name: (name,) for name in ("frequency_penalty", "presence_penalty", "seed")}
                | {"top_k": ("k",)},
            ),
        ),
        # https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-jamba.html
        (r"ai21\.", replace(_PLAIN, extras={name: (name,) for name in ("frequency_penalty", "presence_penalty")})),
        # It refuses what it reasoned before: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-deepseek.html
        (r"deepseek\.r1", replace(_PLAIN, replays_reasoning="")),
        (r"deepseek\.", replace(_OPEN, replays_reasoning="")),
        # "This model doesn't support the stopSequences field", Bedrock says of these two makers'.
        (r"openai\.", replace(_OPEN, reasoning="reasoning_effort", max_stop=0)),
        (r"qwen\.", replace(_OPEN, reasoning="reasoning_config", max_stop=0)),
        (r"(google|minimax|moonshot|moonshotai|nvidia|zai)\.", _OPEN),
        (r"writer\.", _PLAIN),
    )
)


def family_of(model: str) -> Family:
    """What the model called ``model`` takes."""
    name = foundation_model(model)
    if name.startswith("anthropic."):
        return _claude(name)
    return next((family for pattern, family in _FAMILIES if pattern.match(name)), Family())


def _claude(name: str) -> Family:
    facts = model_facts(name)
    return Family(
        choices=frozenset({"any", "tool"}) if facts.forced_tools else _NONE,
        schema="native" if facts.structured else "tool",
        any_object=False,
        strict_tools=facts.structured,
        reasoning="claude" if facts.thinking else "",
        replays_reasoning="signed",
        caches=_NONE if _CACHES_NOTHING.match(name) else frozenset({"system", "messages", "tools"}),
        native_choice=True,
        claude=facts,
    )
