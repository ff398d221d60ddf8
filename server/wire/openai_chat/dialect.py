"""How one host differs from OpenAI's chat completions. A host is a row of these; see providers/compatible/."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aignehub.v1.chat_pb2 import ReasoningOptions

from server.wire.chat.adjustments import Adjustments
from server.wire.chat.knobs import COMMON_KNOBS, ModelRule
from server.wire.openai_chat import words

ReasoningStyle = Callable[[ReasoningOptions, "Dialect", dict[str, Any], Adjustments], None]
"""Writes the reasoning options into the body."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One host's ways. The defaults are those of a careful guess: nothing that a strict server might refuse."""

    name: str
    """The kind of provider; reasoning and blocks it made carry this name and go back to it alone."""
    chat_path: str = "/chat/completions"
    """Path of the call; ``{model}`` in it is replaced by the escaped model."""
    knobs: frozenset[str] = COMMON_KNOBS
    """Tuning fields it takes. Others are dropped and listed, or refused where the caller is strict."""
    max_tokens: str = "max_completion_tokens"
    """Its name for the token limit."""
    seed: str = "seed"
    """Its name for the seed."""
    required_tool: str = "required"
    """Its word for a choice of tools that must be made; empty where only a tool by its name can be demanded."""
    model_rules: tuple[ModelRule, ...] = ()

    # Ranges narrower than the contract's.
    min_temperature: float = 0.0
    """Less is raised to it, and told."""
    max_temperature: float = 2.0
    max_stop: int = 16
    max_n: int = 128
    max_top_logprobs: int = 20
    logprobs_number: bool = False
    """``logprobs`` is the number of alternatives, at least one, and not a yes or no."""
    max_tools: int = 512
    whole_logit_bias: bool = False
    """Biases must be whole numbers."""
    min_seed: int = -(2**63)

    # What messages may hold.
    developer_role: bool = False
    """Knows the role; elsewhere its messages go out as system."""
    inputs: frozenset[str] = frozenset({"image"})
    """Of image, audio, video, file."""
    system_media: bool = True
    """Reads them in instructions too."""
    tool_media: bool = False
    """Reads them in results of tools too; elsewhere they follow in a message of the user."""
    plain_texts: bool = False
    """What anybody but the user says is one string; several texts are lines of it."""
    media_urls: bool = True
    """Fetches images and videos itself; elsewhere the hub fetches them and sends the bytes."""
    file_scheme: str = ""
    """What makes an address of the id of a picture or video kept at the host, such as ms://; empty where none goes."""
    audio_formats: frozenset[str] | None = None
    """Formats of spoken input it reads; None where it does not say."""
    audio_urls: bool = False
    audio_text: bool = False
    """Takes audio as base64 or a URL, without an object around it or the format beside it."""
    file_urls: bool = False
    document_parts: bool = False
    """Takes files as parts ``document_url`` and, of its own files, ``file`` with an id."""
    video_fps: bool = False
    refusal_field: bool = False
    assistant_images: bool = False
    replay_reasoning: str = ""
    """Field of an assistant message that takes reasoning back: reasoning_content, reasoning or reasoning_details.

    ``content`` keeps it in place, as a part of the content.
    """
    call_id: Callable[[str], str] | None = None
    """Makes of an id of a tool call one that the host takes: the same for the call and its result."""
    turns: Callable[[list[dict[str, Any]], str], None] | None = None
    """Puts the messages into the order that the host, or the model named, insists on."""
    google_signatures: bool = False
    """Takes thought signatures in ``extra_content``, as Gemini behind this format does."""
    cache: str = ""
    """How a cached prefix is marked: cache_control or breakpoint."""

    # Features. What is missing is refused with UnsupportedByProvider.
    tools: bool = True
    custom_tools: bool = False
    provider_tools: bool = False
    named_tool: bool = True
    """Takes the name of the tool to be called; elsewhere that tool alone is sent, and is required."""
    allowed_tools: bool = False
    """Takes a subset as such; elsewhere only the allowed tools are sent, which comes to the same."""
    parameters_required: bool = False
    """A function without parameters must say so with a schema of an empty object."""
    defer_loading: bool = False
    json_object: bool = True
    json_schema: bool = True
    schema_name_required: bool = True
    regex: str = ""
    """How a regular expression is asked for: structured_outputs (vLLM) or response_format."""
    grammar: str = ""
    """How a grammar is asked for, likewise."""
    modalities: frozenset[str] = frozenset()
    """Kinds of output besides text."""
    web_search: str = ""
    """Shape of web_search_options: openai or flat (Perplexity)."""
    moderation: bool = False
    stream_usage: bool = True
    """Takes ``stream_options.include_usage``; the others tell usage in any case."""
    continuous_usage: bool = False

    reasoning: ReasoningStyle | None = None
    efforts: Mapping[int, str] = field(default_factory=lambda: words.EFFORTS)
    """Its word for each level; a level without one is lowered to the next that has."""
    failed: frozenset[str] = frozenset()
    """Finish reasons of an answer that the host could not finish."""
    headers: Mapping[str, str] = field(default_factory=dict)
    always: Mapping[str, Any] = field(default_factory=dict)
    """What every body says."""

    def reads_url(self, kind: str) -> bool:
        """Whether media of a kind go out by their address. What is not read at all is left to be refused, unfetched."""
        if kind not in self.inputs:
            return True
        match kind:
            case "audio":
                return self.audio_urls or self.audio_text
            case "file":
                return self.file_urls or self.document_parts
            case _:
                return self.media_urls

    @property
    def lacks(self) -> frozenset[str]:
        """Words of capabilities that are refused for every model of the host."""
        refused = {"tools": not self.tools, "json_schema": not (self.json_schema or self.json_object)}
        return frozenset(word for word, lacking in refused.items() if lacking)
