"""What may differ between a recorded request and the one the hub sent, and why: the one table of it.

A rule sees one difference and both whole requests, and says whether that difference is only another spelling of the
same request. What no rule takes is a failure.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from tests.wire import gemini_canonical
from tests.wire.deepgram_query import NAMES as DEEPGRAM_NAMES
from tests.wire.jsondiff import ABSENT, Difference, differences
from tests.wire.messages import decoded
from tests.wire.ollama_form import NAMES as OLLAMA_NAMES
from tests.wire.responses_form import NAMES as RESPONSES_NAMES


@dataclass(frozen=True, slots=True)
class Context:
    """What else is known of the recording."""

    elided: bool = False
    """Whether its media were cut."""
    deployment: str = ""
    """The Azure deployment that its path names."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One difference with the requests it was found in."""

    difference: Difference
    recorded: Any
    sent: Any
    context: Context


@dataclass(frozen=True, slots=True)
class Rule:
    """A difference that means nothing: where it may be, and what must hold."""

    name: str
    reason: str
    where: str
    """A regular expression over the whole path, indices left open."""
    holds: Callable[[Pair], bool]


def _null(pair: Pair) -> bool:
    return pair.difference.recorded is None and pair.difference.sent is ABSENT


def _recorded_absent(sent: object) -> Callable[[Pair], bool]:
    return lambda pair: pair.difference.recorded is ABSENT and _same(pair.difference.sent, sent)


def _sent_absent(recorded: object) -> Callable[[Pair], bool]:
    return lambda pair: pair.difference.sent is ABSENT and _same(pair.difference.recorded, recorded)


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


def _empty(value: object) -> bool:
    return value is None or value is ABSENT or value in ("", [])


def _token_limit(pair: Pair) -> bool:
    names = ("max_tokens", "max_completion_tokens")
    recorded = {pair.recorded[name] for name in names if pair.recorded.get(name) is not None}
    sent = {pair.sent[name] for name in names if name in pair.sent}
    return len(recorded) == 1 and recorded == sent


def _one_text_part(pair: Pair) -> bool:
    return _as_text(pair.difference.recorded) == _as_text(pair.difference.sent) is not None


def _as_text(content: object) -> str | None:
    if isinstance(content, str):
        return content
    if isinstance(content, list) and len(content) == 1 and content[0].keys() == {"type", "text"}:
        text = content[0]["text"]
        return text if isinstance(text, str) else None
    return None


def _audio_text(pair: Pair) -> bool:
    recorded, sent = pair.difference.recorded, pair.difference.sent
    if not isinstance(recorded, dict) or not isinstance(sent, str):
        return False
    return bool(decoded(sent)) and decoded(recorded.get("data", "")) == decoded(sent)


def _thought(pair: Pair) -> bool:
    texts = [_pieces(value) for value in (pair.difference.recorded, pair.difference.sent)]
    return bool(texts[0]) and texts[0] == texts[1]


def _pieces(thinking: object) -> str | None:
    """The text of a thought that is text alone."""
    if not isinstance(thinking, list) or any(piece.keys() != {"type", "text"} for piece in thinking):
        return None
    return "".join(piece["text"] for piece in thinking)


def _number(pair: Pair) -> bool:
    one, other = pair.difference.recorded, pair.difference.sent
    return {type(one), type(other)} == {int, float} and one == other


def _one_stop(pair: Pair) -> bool:
    return _listed(pair.difference.recorded) == _listed(pair.difference.sent)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _image_object(pair: Pair) -> bool:
    sent = pair.difference.sent
    return isinstance(sent, dict) and sent == {"url": pair.difference.recorded}


_BASE64 = re.compile(r"(?:data:([^,]*),)?(.*)", re.DOTALL)


def _media_bytes(pair: Pair) -> bool:
    one, other = (_BASE64.fullmatch(str(value)) for value in (pair.difference.recorded, pair.difference.sent))
    assert one is not None
    assert other is not None
    if one[1] != other[1]:
        return False
    if len(one[2]) % 4 and not pair.context.elided:
        return False
    return bool(decoded(one[2])) and decoded(one[2]) == decoded(other[2])


def _beside_calls(pair: Pair) -> bool:
    message = _parent(pair)
    calls = isinstance(message, dict) and message.get("role") == "assistant" and message.get("tool_calls")
    return bool(calls) and _empty(pair.difference.recorded) and _empty(pair.difference.sent)


def _parent(pair: Pair) -> Any:
    value = pair.recorded
    for step in pair.difference.path[:-1]:
        value = value[step]
    return value


def _told_twice(pair: Pair) -> bool:
    """Both names carried one text, and one of them was sent with it."""
    message = _parent(pair)
    names = ("reasoning", "reasoning_content")
    if pair.difference.sent is not ABSENT or message.get(names[0]) != message.get(names[1]):
        return False
    sent = pair.sent
    for step in pair.difference.path[:-1]:
        sent = sent[step]
    return any(sent.get(name) == message.get(names[0]) for name in names)


def _position(pair: Pair) -> bool:
    return pair.difference.sent is ABSENT and pair.difference.recorded == pair.difference.path[-2]


def _position_told(pair: Pair) -> bool:
    return pair.difference.recorded is ABSENT and pair.difference.sent == pair.difference.path[-2]


def _made_up_name(pair: Pair) -> bool:
    return pair.difference.recorded is ABSENT and isinstance(pair.difference.sent, str)


def _one_result(pair: Pair) -> bool:
    return pair.difference.recorded == "success" and pair.difference.sent is ABSENT


def _plain_name(pair: Pair) -> bool:
    """What stands in a document's name beyond letters, digits, spaces, hyphens, parentheses and brackets."""
    told = re.sub(r"[^A-Za-z0-9 ()\[\]-]", "-", str(pair.difference.recorded))
    return bool(told == pair.difference.sent)


def _thinking_moved(pair: Pair) -> bool:
    extra = "additionalModelRequestFields"
    return bool(pair.recorded[extra].get("reasoning_config") == pair.sent[extra].get("thinking"))


PATH = "(path)"
"""Where the difference is between the paths of the requests."""


def _nowhere(name: str, reason: str) -> Rule:
    """What is told alike before requests are compared, counted under its name."""
    return Rule(name, reason, "(?!)", lambda pair: False)


def _safe_base64(pair: Pair) -> bool:
    recorded, sent = pair.difference.recorded, pair.difference.sent
    return isinstance(recorded, str) and recorded.translate(_URL_SAFE) == sent


_URL_SAFE = str.maketrans("-_", "+/")

GEMINI = (
    _nowhere(gemini_canonical.SPELLING, "Google's servers read names in both spellings; the reference has this one"),
    _nowhere(gemini_canonical.SCHEMA, "the older field says the same with types in upper case, or as numbers"),
    _nowhere(gemini_canonical.COUNTED, "the reference takes the conversation alone or the whole request to be counted"),
    _nowhere("a batch of one", "one text is embedded alone or as a batch of one: the vector is the same"),
    _nowhere(gemini_canonical.LIMIT, "a limit of the answer is no part of what is counted"),
    Rule(
        "empty objects of generateContent are absent",
        "no configuration and no names are what their absence says",
        r"generationConfig(\.imageConfig)?|toolConfig\.functionCallingConfig\.allowedFunctionNames",
        lambda pair: pair.difference.sent is ABSENT and pair.difference.recorded in ([], {}),
    ),
    Rule(
        "instructions have no role",
        "the reference takes their text alone; a role is passed over",
        r"systemInstruction\.role",
        _sent_absent("user"),
    ),
    Rule(
        "an empty instruction is none",
        "an empty text instructs nobody",
        "systemInstruction",
        _sent_absent({"parts": {"text": ""}}),
    ),
    Rule(
        "calls have ids",
        "the contract's calls have ids, which Google's servers take back and match; older clients sent none",
        r"contents\[\]\.parts\[\]\.(functionCall|functionResponse)\.id",
        lambda pair: pair.difference.recorded is ABSENT and str(pair.difference.sent).startswith("made-"),
    ),
    Rule(
        "a level in lower case",
        "the reference has both",
        r"generationConfig\.thinkingConfig\.thinkingLevel",
        lambda pair: str(pair.difference.recorded).lower() == pair.difference.sent,
    ),
    Rule(
        "base64 in the usual alphabet",
        "bytes of Google's JSON may be written in both alphabets",
        r"contents\[\]\.parts\[\]\.(functionResponse\.parts\[\]\.)?inlineData\.data",
        _safe_base64,
    ),
    Rule(
        "the model of a body is that of its path",
        "the path names it; what the body says of it changes nothing",
        "model",
        lambda pair: "contents" in pair.recorded and pair.difference.sent is ABSENT,
    ),
    Rule(
        "a stream of events",
        "the hub asks for events; without, the same chunks come as one array",
        PATH,
        lambda pair: pair.difference.sent == f"{pair.difference.recorded}?alt=sse",
    ),
    Rule(
        "words of enumerations",
        "a client may ask for numbers in place of words",
        PATH,
        lambda pair: pair.difference.recorded == f"{pair.difference.sent}?%24alt=json%3Benum-encoding%3Dint",
    ),
)

RULES: tuple[Rule, ...] = (
    Rule(
        "deployment in the path",
        "Azure picks the model by the deployment that the path names; what the body says of it changes nothing",
        "model",
        lambda pair: pair.context.deployment != "" and pair.difference.sent in (ABSENT, pair.context.deployment),
    ),
    Rule(
        "api-version not recorded",
        "Azure serves no deployment without one, so the recorder dropped it; the rest of the path is the same",
        PATH,
        lambda pair: (
            "/openai/deployments/" in pair.difference.recorded
            and re.fullmatch(r"api-version=[^&]+", pair.difference.sent.partition("?")[2]) is not None
            and pair.difference.sent.partition("?")[0] == pair.difference.recorded
        ),
    ),
    Rule("null is absent", "a null knob says what its absence says: the provider's default", ".*", _null),
    Rule(
        "max_tokens folded",
        "the contract has one limit; the provider's own name for it is the codec's to choose",
        "max_tokens|max_completion_tokens",
        _token_limit,
    ),
    Rule(
        "usage asked for",
        "usage is always sent to the caller, so a stream always asks the provider for it",
        r"stream_options|stream_options\.include_usage",
        lambda pair: (
            pair.sent.get("stream") is True
            and pair.difference.recorded is ABSENT
            and pair.difference.sent in (True, {"include_usage": True})
        ),
    ),
    Rule(
        "stream: false is absent",
        "both ask for a whole answer",
        "stream",
        lambda pair: _recorded_absent(False)(pair) or _sent_absent(False)(pair),
    ),
    Rule(
        "content text is one text part",
        "a string and a list of one text part are the same content to every provider of this format",
        r"messages\[\]\.content",
        _one_text_part,
    ),
    Rule(
        "no text beside calls",
        "absent, null and empty text of an assistant message with tool_calls all say that there was no text",
        r"messages\[\]\.content",
        _beside_calls,
    ),
    Rule(
        "one stop sequence",
        "a string and a list of one string name the same stop sequence",
        "stop",
        _one_stop,
    ),
    Rule(
        "number spelling",
        "knobs that are doubles in the contract: 1 and 1.0 are one JSON number",
        r"temperature|top_p|min_p|frequency_penalty|presence_penalty|repetition_penalty|logit_bias\..*|"
        r"(inferenceConfig|generationConfig)\.(temperature|topP)|options\.(temperature|top_p|min_p|\w+_penalty)",
        _number,
    ),
    Rule(
        "image_url as an object",
        "the spec's form of it; the bare string is an older client's, and providers read both",
        r"messages\[\]\.content\[\]\.image_url",
        _image_object,
    ),
    Rule(
        "media of equal bytes",
        "media travels as bytes, so base64 is written anew: same media type, same bytes",
        r"(messages|input)\[\]\.(content|output)\[\]\.(image_url|image_url\.url|input_audio\.data|file\.file_data|video_url\.url)",
        _media_bytes,
    ),
    Rule(
        "audio as text",
        "Mistral's reference has base64 alone there; the object with the format beside it is OpenAI's",
        r"messages\[\]\.content\[\]\.input_audio",
        _audio_text,
    ),
    Rule(
        "a thought in one piece",
        "the pieces of a thought are one text",
        r"messages\[\]\.content\[\]\.thinking",
        _thought,
    ),
    Rule(
        "no prefix, no safe_prompt",
        "Mistral's own defaults",
        r"messages\[\]\.prefix|safe_prompt",
        _sent_absent(False),
    ),
    Rule(
        "no choice without tools",
        "auto chooses nothing where there is nothing to choose among",
        "tool_choice",
        lambda pair: _sent_absent("auto")(pair) and not pair.recorded.get("tools"),
    ),
    Rule(
        "a tool is a function",
        "the default of a tool's type",
        r"tools\[\]\.type",
        _recorded_absent("function"),
    ),
    Rule(
        "no calls are none",
        "an empty list of calls says what its absence says",
        r"messages\[\]\.tool_calls",
        _sent_absent([]),
    ),
    Rule(
        "no tools are none",
        "an empty list of tools offers what its absence offers",
        "tools",
        _sent_absent([]),
    ),
    Rule(
        "empty description is absent",
        "an empty description says nothing of the tool",
        r"tools\[\]\.((function|custom)\.|functionDeclarations\[\]\.)?description",
        _sent_absent(""),
    ),
    Rule(
        "tool name told once",
        "the client repeated function.name beside it, where the spec has no such key; the name is sent in its place",
        r"tools\[\]\.name",
        lambda pair: pair.difference.sent is ABSENT and pair.difference.recorded == _parent(pair)["function"]["name"],
    ),
    Rule(
        "strict: false is absent",
        "the spec's default of strict is false",
        r"tools\[\]\.function\.strict|response_format\.json_schema\.strict",
        lambda pair: _recorded_absent(False)(pair) or _sent_absent(False)(pair),
    ),
    Rule(
        "schema name made up",
        "the spec demands a name, which the recording left out; the hub makes one where it has none",
        r"response_format\.json_schema\.name",
        _made_up_name,
    ),
    Rule(
        "reasoning told once",
        "two names held the same text; the hub sends it under the provider's own name",
        r"messages\[\]\.(reasoning|reasoning_content)",
        _told_twice,
    ),
    Rule(
        "empty reasoning is absent",
        "an empty text replays no reasoning",
        r"messages\[\]\.(reasoning|reasoning_content)",
        _sent_absent(""),
    ),
    Rule(
        "index is the position",
        "the number repeats the place in the list it stands in",
        r"messages\[\]\.(reasoning_details|tool_calls)\[\]\.index",
        lambda pair: _position(pair) or _position_told(pair),
    ),
    Rule(
        "stored unless told otherwise",
        "the Responses API stores every answer unless told not to, and the request says that it is to be stored",
        "store",
        _recorded_absent(True),
    ),
    Rule(
        "nothing is stored",
        "DeepSeek and OpenRouter keep nothing: https://openrouter.ai/docs/api-reference/responses",
        "store",
        _recorded_absent(False),
    ),
    Rule(
        "strict unless told otherwise",
        "functions of the Responses API are strict where they do not say",
        r"tools\[\]\.strict",
        lambda pair: pair.difference.recorded in (ABSENT, None) and pair.difference.sent is True,
    ),
    Rule(
        "detail: auto is absent",
        "the spec demands it of an image, and auto is its default",
        r"input\[\]\.(content|output)\[\]\.detail",
        _recorded_absent("auto"),
    ),
    *(_nowhere(name, reason) for name, reason in {**RESPONSES_NAMES, **OLLAMA_NAMES, **DEEPGRAM_NAMES}.items()),
    Rule(
        "one input is a list of one",
        "the vectors of one text and of a list that holds it alone are the same",
        "input",
        lambda pair: pair.difference.sent == [pair.difference.recorded],
    ),
    Rule(
        "vectors asked for as the hub reads them",
        "the caller's encoding is the hub's affair; base64 holds the same floats, base64_int8 is Perplexity's own",
        "encoding_format",
        lambda pair: (
            pair.difference.recorded in (ABSENT, "float", "base64")
            and pair.difference.sent in (ABSENT, "base64", "base64_int8")
        ),
    ),
    Rule(
        "an image model is always named",
        "OpenAI took dall-e-2 for an edit that named none; the hub's caller names a model or has a default",
        "model",
        lambda pair: pair.difference.recorded is ABSENT and pair.difference.sent == "dall-e-2",
    ),
    Rule(
        "is_error: false is absent",
        "Anthropic's default of a tool's result",
        r"messages\[\]\.content\[\]\.is_error",
        _sent_absent(False),
    ),
    Rule(
        "one text block is a string",
        "Anthropic reads a string as one text block",
        r"system|messages\[\]\.content\[\]\.content",
        lambda pair: pair.difference.recorded == [{"type": "text", "text": pair.difference.sent}],
    ),
    Rule(
        "no instructions are none",
        "an empty list of instructions says what its absence says",
        "system",
        _sent_absent([]),
    ),
    Rule(
        "the format by its later name",
        "output_format was the beta's name of output_config.format",
        "output_format|output_config",
        lambda pair: {"format": pair.recorded.get("output_format")} == pair.sent.get("output_config"),
    ),
    Rule(
        "an image's address is asked for by name",
        "url is what dall-e and Grok answer with unasked; the hub says so, since hosts differ",
        "response_format",
        _recorded_absent("url"),
    ),
    Rule(
        "an edit as a form",
        "OpenAI takes the bytes of a source in a form or as base64 in JSON; the hub uploads them as they are",
        r"\(form\)",
        lambda pair: (pair.difference.recorded, pair.difference.sent) == ("json", "multipart"),
    ),
    Rule(
        "an escaped model in the path",
        "a colon may stand in a path as it is, or escaped: AWS reads both, and what was sent is what was signed",
        PATH,
        lambda pair: (
            pair.difference.recorded.startswith("/model/")
            and unquote(pair.difference.recorded) == unquote(pair.difference.sent)
        ),
    ),
    Rule(
        "empty objects of Converse are absent",
        "no instructions, no parameters and no stop sequences are what their absence says",
        r"(input\.converse\.)?(system|inferenceConfig|inferenceConfig\.stopSequences|additionalModelRequestFields)",
        lambda pair: pair.difference.sent is ABSENT and pair.difference.recorded in ([], {}),
    ),
    Rule(
        "success is a tool's default status",
        "Converse's status of a result is success unless it says error",
        r"messages\[\]\.content\[\]\.toolResult\.status",
        _one_result,
    ),
    Rule(
        "a media type in place of a format",
        "video/mp4 is no format that the page lists; mp4 is the one that was meant",
        r"messages\[\]\.content\[\]\.video\.format",
        lambda pair: pair.difference.recorded == f"video/{pair.difference.sent}",
    ),
    Rule(
        "a document's name of allowed characters",
        "the page allows letters, digits, white space, hyphens, parentheses and brackets; an underscore passed here",
        r"messages\[\]\.content\[\]\.document\.name",
        _plain_name,
    ),
    Rule(
        "thinking by its later name",
        "reasoning_config was Bedrock's first name for Claude's thinking; the page of extended thinking has thinking",
        r"additionalModelRequestFields\.(reasoning_config|thinking)",
        _thinking_moved,
    ),
    *GEMINI,
)


def same_path(recorded: str, sent: str, used: Counter[str]) -> bool:
    """Whether both paths, queries included, ask the same of the provider."""
    if recorded == sent:
        return True
    name = _rule(Pair(Difference((PATH,), recorded, sent), {}, {}, Context()))
    if name is not None:
        used[name] += 1
    return name is not None


def explain(recorded: Any, sent: Any, context: Context, used: Counter[str]) -> list[Difference]:
    """The differences that no rule takes; every rule that took one is counted in ``used``."""
    left = []
    for difference in differences(recorded, sent):
        name = _rule(Pair(difference, recorded, sent, context))
        if name is None:
            left.append(difference)
        else:
            used[name] += 1
    return left


def _rule(pair: Pair) -> str | None:
    rules: Iterable[Rule] = RULES
    return next((rule.name for rule in rules if _matches(rule, pair)), None)


def _matches(rule: Rule, pair: Pair) -> bool:
    pattern = pair.difference.pattern
    here = pattern == PATH if rule.where == PATH else re.fullmatch(rule.where, pattern) is not None
    return here and rule.holds(pair)
