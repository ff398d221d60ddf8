"""What each host's list tells, one reader a format."""

from types import MappingProxyType

from aignehub.v1 import model_service_pb2 as pb
from aignehub.v1.model_service_pb2 import Model

from server.wire import json_value as json
from server.wire.http import path_segment
from server.wire.json_value import Object
from server.wire.model_lists import fields
from server.wire.model_lists.codec import ListCodec
from server.wire.model_lists.openrouter import openrouter_model
from server.wire.timestamps import timestamp

_KINDS = {
    "chat": fields.CHAT,
    "language": fields.CHAT,
    "code": fields.CHAT,
    "image": fields.IMAGE,
    "embedding": fields.EMBEDDING,
    "audio": fields.SPEECH,
    "transcribe": fields.TRANSCRIPTION,
}
_TOGETHER_PRICES = (
    ("input", pb.PRICE_UNIT_INPUT_TOKENS_MILLION, fields.PER_MILLION),
    ("output", pb.PRICE_UNIT_OUTPUT_TOKENS_MILLION, fields.PER_MILLION),
)


def openai_model(entry: Object) -> Model | None:
    """An entry of OpenAI's form: https://platform.openai.com/docs/api-reference/models/object.

    Hosts add to it: Groq ``context_window``, ``max_completion_tokens`` and ``active`` (console.groq.com/docs/models),
    vLLM ``max_model_len``, others ``context_length``.
    """
    if entry.get("active") is False:
        return None
    return Model(
        id=json.text(entry.get("id")),
        display_name=json.text(entry.get("display_name")),
        max_input_tokens=fields.first_count(entry, "context_window", "context_length", "max_model_len"),
        max_output_tokens=fields.first_count(entry, "max_completion_tokens", "max_output_tokens"),
        create_time=timestamp(entry.get("created")),
    )


def together_model(entry: Object) -> Model | None:
    """https://docs.together.ai/reference/models: a type, and prices of a million tokens; 0 for what is not sold so."""
    model = openai_model(entry)
    kind = json.text(entry.get("type"))
    if model is not None:
        model.capabilities.extend([_KINDS.get(kind, fields.OTHER)] if kind else [])
        found = fields.prices(json.obj(entry.get("pricing")), _TOGETHER_PRICES)
        model.prices.extend(found if any(price.nano_usd for price in found) else [])
    return model


def fireworks_model(entry: Object) -> Model | None:
    """OpenAI's form with ``supports_chat``, ``supports_tools`` and ``supports_image_input``.

    https://docs.fireworks.ai/api-reference/list-models
    """
    model = openai_model(entry)
    if model is not None and entry.get("supports_chat") is True:
        model.capabilities.extend([fields.CHAT, *([fields.TOOLS] if entry.get("supports_tools") is True else [])])
        model.input_modalities.extend(
            fields.modalities(["text", "image"]) if entry.get("supports_image_input") is True else []
        )
    return model


def huggingface_model(entry: Object) -> Model | None:
    """OpenAI's form with the ``providers`` that serve it: what one of them can, the router can.

    https://huggingface.co/docs/inference-providers/hub-api. Their prices differ, and so none is told.
    """
    model = openai_model(entry)
    if model is None:
        return None
    live = [one for one in json.objects(entry.get("providers")) if one.get("status") in ("live", None)]
    model.max_input_tokens = max((json.count(one.get("context_length")) for one in live), default=0)
    model.capabilities.append(fields.CHAT)
    for name, capability in (("supports_tools", fields.TOOLS), ("supports_structured_output", fields.JSON_SCHEMA)):
        if any(one.get(name) is True for one in live):
            model.capabilities.append(capability)
    model.input_modalities.extend(fields.modalities(json.obj(entry.get("architecture")).get("input_modalities")))
    return model


def mistral_model(entry: Object) -> Model | None:
    """https://docs.mistral.ai/api/endpoint/models: flags, none of which stands for embeddings.

    ``deprecation`` is when the model reaches its end of life.
    """
    told = json.obj(entry.get("capabilities"))
    model = Model(
        id=json.text(entry.get("id")),
        max_input_tokens=json.count(entry.get("max_context_length")),
        create_time=timestamp(entry.get("created")),
        shutdown_time=fields.iso_time(entry.get("deprecation")),
    )
    if told.get("completion_chat") is True:
        more = (("function_calling", fields.TOOLS), ("reasoning", fields.REASONING))
        model.capabilities.extend([fields.CHAT, *(word for name, word in more if told.get(name) is True)])
        reads = [word for name, word in (("vision", "image"), ("audio", "audio")) if told.get(name) is True]
        model.input_modalities.extend(fields.modalities(["text", *reads]) if reads else [])
    if told.get("audio_transcription") is True:
        model.capabilities.append(fields.TRANSCRIPTION)
    others = ("ocr", "moderation", "classification", "completion_fim")
    if not model.capabilities and any(told.get(name) is True for name in others):
        model.capabilities.append(fields.OTHER)
    return model


def anthropic_model(entry: Object) -> Model | None:
    """https://docs.claude.com/en/api/models-list: every model chats and calls tools; the rest is told of the newer."""
    model = Model(
        id=json.text(entry.get("id")),
        display_name=json.text(entry.get("display_name")),
        max_input_tokens=json.count(entry.get("max_input_tokens")),
        max_output_tokens=json.count(entry.get("max_tokens")),
        capabilities=[fields.CHAT, fields.TOOLS],
        create_time=fields.iso_time(entry.get("created_at")),
    )
    told = json.obj(entry.get("capabilities"))

    def can(name: str) -> bool:
        return json.obj(told.get(name)).get("supported") is True

    more = (("structured_outputs", fields.JSON_SCHEMA), ("thinking", fields.REASONING))
    model.capabilities.extend(word for name, word in more if can(name))
    reads = [word for name, word in (("image_input", "image"), ("pdf_input", "file")) if can(name)]
    model.input_modalities.extend(fields.modalities(["text", *reads]) if reads else [])
    return model


def _after_last(beside: Object) -> str:
    last = json.text(beside.get("last_id"))
    return f"limit=1000&after_id={path_segment(last)}" if beside.get("has_more") is True and last else ""


def gemini_model(entry: Object) -> Model | None:
    """https://ai.google.dev/api/models: methods; those that speak or draw by generateContent say so in their name."""
    name = json.text(entry.get("name")).removeprefix("models/")
    methods = set(filter(None, map(json.text, json.items(entry.get("supportedGenerationMethods")))))
    model = Model(
        id=name,
        display_name=json.text(entry.get("displayName")),
        max_input_tokens=json.count(entry.get("inputTokenLimit")),
        max_output_tokens=json.count(entry.get("outputTokenLimit")),
    )
    if "generateContent" in methods:
        if "-tts" in name:  # https://ai.google.dev/gemini-api/docs/speech-generation
            model.capabilities.append(fields.SPEECH)
        else:
            model.capabilities.append(fields.CHAT)
            model.capabilities.extend([fields.REASONING] if entry.get("thinking") is True else [])
        if "-image" in name:  # https://ai.google.dev/gemini-api/docs/image-generation
            model.capabilities.extend([fields.IMAGE, fields.IMAGE_EDIT])
    elif {"embedContent", "batchEmbedContents"} & methods:
        model.capabilities.append(fields.EMBEDDING)
    elif "predict" in methods:  # https://ai.google.dev/gemini-api/docs/imagen
        model.capabilities.append(fields.IMAGE)
    elif methods:
        model.capabilities.append(fields.OTHER)
    return model


def _gemini_next(beside: Object) -> str:
    token = json.text(beside.get("nextPageToken"))
    return f"pageSize=1000&pageToken={path_segment(token)}" if token else ""


_COHERE_ENDPOINTS = {"chat": fields.CHAT, "embed": fields.EMBEDDING, "transcriptions": fields.TRANSCRIPTION}
_COHERE_FEATURES = {"tools": fields.TOOLS, "json_schema": fields.JSON_SCHEMA, "reasoning": fields.REASONING}


def cohere_model(entry: Object) -> Model | None:
    """https://docs.cohere.com/reference/list-models: endpoints, and features of those that chat."""
    endpoints = list(filter(None, map(json.text, json.items(entry.get("endpoints")))))
    features = set(filter(None, map(json.text, json.items(entry.get("features")))))
    model = Model(
        id=json.text(entry.get("name")),
        max_input_tokens=json.count(entry.get("context_length")),
        capabilities=[_COHERE_ENDPOINTS[one] for one in endpoints if one in _COHERE_ENDPOINTS],
    )
    if fields.CHAT in model.capabilities:
        model.capabilities.extend(word for name, word in _COHERE_FEATURES.items() if name in features)
    elif endpoints and not model.capabilities:
        model.capabilities.append(fields.OTHER)
    if "vision" in features or "embed_image" in endpoints:
        model.input_modalities.extend(fields.modalities(["text", "image"]))
    return model


def _cohere_next(beside: Object) -> str:
    token = json.text(beside.get("next_page_token"))
    return f"page_size=1000&page_token={path_segment(token)}" if token else ""


def deepgram_model(entry: Object) -> Model | None:
    """https://developers.deepgram.com/reference/manage/models/list.

    A model of speech to text says whether it hears recordings (``batch``) and live sound (``streaming``); one that
    says neither speaks.
    """
    model = Model(id=json.text(entry.get("canonical_name")) or json.text(entry.get("name")))
    if "batch" not in entry and "streaming" not in entry:
        model.capabilities.append(fields.SPEECH)
        return model
    hears = (("batch", fields.TRANSCRIPTION), ("streaming", fields.LIVE_TRANSCRIPTION))
    model.capabilities.extend(word for name, word in hears if entry.get(name) is True)
    return model


def elevenlabs_model(entry: Object) -> Model | None:
    """https://elevenlabs.io/docs/api-reference/models/list: models of speech, some of which only change voices."""
    speaks = entry.get("can_do_text_to_speech") is True
    return Model(
        id=json.text(entry.get("model_id")),
        display_name=json.text(entry.get("name")),
        capabilities=[fields.SPEECH if speaks else fields.OTHER],
    )


OPENAI = ListCodec("/models", openai_model)
TOGETHER = ListCodec("/models", together_model)
FIREWORKS = ListCodec("/models", fireworks_model)
HUGGINGFACE = ListCodec("/models", huggingface_model)
MISTRAL = ListCodec("/models", mistral_model)
OPENROUTER = ListCodec("/models?output_modalities=all", openrouter_model)
ANTHROPIC = ListCodec(
    # https://platform.claude.com/docs/en/api/models/list
    "/v1/models?limit=1000",
    anthropic_model,
    next_page=_after_last,
    headers=MappingProxyType({"anthropic-version": "2023-06-01"}),
)
GEMINI = ListCodec("/v1beta/models?pageSize=1000", gemini_model, items=("models",), next_page=_gemini_next)
COHERE = ListCodec("/v1/models?page_size=1000", cohere_model, items=("models",), next_page=_cohere_next)
DEEPGRAM = ListCodec("/models", deepgram_model, items=("stt", "tts"))
ELEVENLABS = ListCodec("/models", elevenlabs_model, whole=False)
"""Its list has no models of transcription."""
