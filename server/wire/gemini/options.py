"""Every field of the request beside the conversation, each with the one function that sends it.

https://ai.google.dev/api/generate-content#generationconfig
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from aignehub.v1 import audio_pb2, chat_pb2
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.gemini import words
from server.wire.gemini.draft import Draft
from server.wire.gemini.formats import encode_format
from server.wire.gemini.spoken import speech_config
from server.wire.gemini.thinking import encode_thinking, signs_calls

Put = Callable[[Draft, Any], None]

_MAX_STOP = 5
_MAX_CHOICES = 8
_MAX_TOP_LOGPROBS = 20
_INT32 = range(-(2**31), 2**31)
# https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/add-labels-to-api-calls
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL = re.compile(r"[a-z0-9_-]{0,63}")


def _knob(name: str, key: str, draft: Draft, value: Any) -> None:
    if draft.notes.takes(name):
        draft.config[key] = value


def _penalty(name: str, key: str, draft: Draft, value: float) -> None:
    # None at all is what every model has by default, even one that takes no other.
    if value:
        _knob(name, key, draft, value)


def _seed(draft: Draft, value: int) -> None:
    if value not in _INT32:
        raise InvalidArgument.field("seed", f"{draft.host.name} takes 32 bits, from {_INT32[0]} to {_INT32[-1]}")
    _knob("seed", "seed", draft, value)


def _top_k(draft: Draft, value: int) -> None:
    # -1 stands for all tokens elsewhere, which is to say nothing.
    if value > 0:
        _knob("top_k", "topK", draft, value)
    elif value == 0:
        draft.notes.drop("top_k", "the provider takes 1 or more")


def _max_tokens(draft: Draft, value: int) -> None:
    draft.config["maxOutputTokens"] = value


def _stop(draft: Draft, value: Any) -> None:
    if len(value) > _MAX_STOP:
        raise InvalidArgument.field("stop", f"{draft.host.name} takes at most {_MAX_STOP} sequences")
    draft.config["stopSequences"] = list(value)


def _choices(draft: Draft, value: int) -> None:
    # Gemini 3 and later refuse the field itself:
    # https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/guides/gemini-3-8-flash
    alone = signs_calls(draft.model)
    most = 1 if alone else _MAX_CHOICES
    if value > most:
        raise UnsupportedByProvider.of("n", f"the model {draft.model} gives at most {most}")
    if not alone:
        draft.config["candidateCount"] = value


def _logprobs(draft: Draft, value: bool) -> None:
    draft.config["responseLogprobs"] = value


def _top_logprobs(draft: Draft, value: int) -> None:
    if value > _MAX_TOP_LOGPROBS:
        raise InvalidArgument.field("top_logprobs", f"{draft.host.name} takes at most {_MAX_TOP_LOGPROBS}")
    draft.config["logprobs"] = value


def _modalities(draft: Draft, value: Any) -> None:
    told = []
    for place, modality in enumerate(value):
        word = words.OUTPUT_MODALITIES.get(modality)
        if word is None:
            raise UnsupportedByProvider.of(f"modalities[{place}]", f"{draft.host.name} answers in text, image, audio")
        told.append(word)
    draft.config["responseModalities"] = told


_SPOKEN = (audio_pb2.AUDIO_FORMAT_UNSPECIFIED, audio_pb2.AUDIO_FORMAT_PCM_S16LE, audio_pb2.AUDIO_FORMAT_WAV)


def _audio(draft: Draft, value: Any) -> None:
    """https://ai.google.dev/gemini-api/docs/speech-generation."""
    if value.format not in _SPOKEN:
        raise UnsupportedByProvider.of("audio.format", f"{draft.host.name} speaks PCM, which the hub can put into WAV")
    draft.config["speechConfig"] = speech_config(value.voice, draft.model)


def _parallel(draft: Draft, value: bool) -> None:
    # Several calls are always allowed.
    if not value:
        draft.notes.drop("parallel_tool_calls", "the provider cannot be held to one call")


def _tier(draft: Draft, value: str) -> None:
    if value == "auto" or not draft.notes.takes("service_tier"):
        return
    if (word := words.TIERS.get(value)) is None:
        choice = ", ".join(sorted({"auto", *words.TIERS}))
        draft.notes.drop("service_tier", f"{draft.host.name} knows {choice}")
    else:
        draft.body["serviceTier"] = word


def _metadata(draft: Draft, value: Mapping[str, str]) -> None:
    if not draft.notes.takes("metadata"):
        return
    labels = {}
    for key, text in sorted(value.items()):
        if _LABEL_KEY.fullmatch(key) and _LABEL.fullmatch(text):
            labels[key] = text
        else:
            draft.notes.drop(f"metadata[{key}]", "the provider takes 63 lower-case letters, digits, - and _ each")
    if labels:
        draft.body["labels"] = labels


def _store(draft: Draft, value: bool) -> None:
    if draft.notes.takes("store"):
        draft.body["store"] = value


def _stream_options(draft: Draft, value: Any) -> None:
    """Coalescing and usage on every chunk are the gateway's own work; usage comes with every chunk as it is."""
    if draft.stream and value.include_obfuscation:
        draft.notes.drop("stream_options.include_obfuscation", "the provider pads nothing")


def _moderation(draft: Draft, value: str) -> None:
    raise UnsupportedByProvider.of("moderation_json", f"{draft.host.name} runs no moderation beside a completion")


def _absent(name: str, draft: Draft, value: Any) -> None:
    draft.notes.takes(name)


def _reasoning(draft: Draft, value: Any) -> None:
    encode_thinking(value, draft)


def _response_format(draft: Draft, value: Any) -> None:
    encode_format(value, draft)


def _nothing(draft: Draft, value: Any) -> None:
    """Sent by encode() itself, or the gateway's own affair."""


_ABSENT = (
    *("min_p", "repetition_penalty", "logit_bias", "prediction", "verbosity", "safety_identifier", "user"),
    *("prompt_cache_key", "prompt_cache_ttl"),
)

FIELDS: Mapping[str, Put] = {
    **{name: partial(_absent, name) for name in _ABSENT},
    **dict.fromkeys(("model", "messages", "tools", "tool_choice", "web_search_options", "gateway"), _nothing),
    "temperature": partial(_knob, "temperature", "temperature"),
    "top_p": partial(_knob, "top_p", "topP"),
    "frequency_penalty": partial(_penalty, "frequency_penalty", "frequencyPenalty"),
    "presence_penalty": partial(_penalty, "presence_penalty", "presencePenalty"),
    "top_k": _top_k,
    "seed": _seed,
    "max_completion_tokens": _max_tokens,
    "stop": _stop,
    "n": _choices,
    "logprobs": _logprobs,
    "top_logprobs": _top_logprobs,
    "modalities": _modalities,
    "audio": _audio,
    "parallel_tool_calls": _parallel,
    "reasoning": _reasoning,
    "response_format": _response_format,
    "service_tier": _tier,
    "metadata": _metadata,
    "store": _store,
    "stream_options": _stream_options,
    "moderation_json": _moderation,
}
"""By name of the request's field. One that is missing here is refused by encode(), never ignored."""


def encode_detail(request: CreateChatCompletionRequest, draft: Draft) -> None:
    """The resolution at which media are read, which there is one of for a whole request.

    https://ai.google.dev/gemini-api/docs/media-resolution
    """
    wanted = {
        f"messages[{row}].content[{column}].image.detail": part.image.detail
        for row, message in enumerate(request.messages)
        for column, part in enumerate(message.content)
        if part.HasField("image")
    }
    details = set(wanted.values()) - {chat_pb2.IMAGE_DETAIL_UNSPECIFIED, chat_pb2.IMAGE_DETAIL_AUTO}
    if not details:
        return
    moving = any(
        part.HasField("video") or part.HasField("file") for message in request.messages for part in message.content
    )
    if len(set(wanted.values())) == 1 and not moving:
        draft.config["mediaResolution"] = words.RESOLUTIONS[details.pop()]
        return
    for path, detail in wanted.items():
        if detail in words.RESOLUTIONS:
            draft.notes.drop(path, "the provider reads all media of a request at one resolution")
