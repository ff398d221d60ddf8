"""OpenRouter's list, which also tells prices: https://openrouter.ai/docs/api-reference/models/get-models."""

from aignehub.v1 import model_service_pb2 as pb
from aignehub.v1.model_service_pb2 import Model

from server.wire import json_value as json
from server.wire.json_value import Object
from server.wire.model_lists import fields
from server.wire.timestamps import timestamp

_OUTPUTS = {
    "text": fields.CHAT,
    "audio": fields.CHAT,
    "image": fields.IMAGE,
    "embeddings": fields.EMBEDDING,
    "speech": fields.SPEECH,
    "transcription": fields.TRANSCRIPTION,
}
_PARAMETERS = {
    "tools": fields.TOOLS,
    "structured_outputs": fields.JSON_SCHEMA,
    "reasoning": fields.REASONING,
}
_PRICES = (
    ("prompt", pb.PRICE_UNIT_INPUT_TOKENS_MILLION, fields.PER_TOKEN),
    ("completion", pb.PRICE_UNIT_OUTPUT_TOKENS_MILLION, fields.PER_TOKEN),
    ("input_cache_read", pb.PRICE_UNIT_CACHED_INPUT_TOKENS_MILLION, fields.PER_TOKEN),
    ("input_cache_write", pb.PRICE_UNIT_CACHE_WRITE_TOKENS_MILLION, fields.PER_TOKEN),
    ("input_cache_write_1h", pb.PRICE_UNIT_CACHE_WRITE_1H_TOKENS_MILLION, fields.PER_TOKEN),
    ("internal_reasoning", pb.PRICE_UNIT_REASONING_OUTPUT_TOKENS_MILLION, fields.PER_TOKEN),
    ("audio", pb.PRICE_UNIT_INPUT_AUDIO_TOKENS_MILLION, fields.PER_TOKEN),
    ("audio_output", pb.PRICE_UNIT_OUTPUT_AUDIO_TOKENS_MILLION, fields.PER_TOKEN),
    ("input_audio_cache", pb.PRICE_UNIT_CACHED_INPUT_AUDIO_TOKENS_MILLION, fields.PER_TOKEN),
    ("image_output", pb.PRICE_UNIT_IMAGE, fields.EACH),
    ("request", pb.PRICE_UNIT_CALL, fields.EACH),
    ("web_search", pb.PRICE_UNIT_WEB_SEARCH, fields.EACH),
)
_BASE = {pb.PRICE_UNIT_INPUT_TOKENS_MILLION, pb.PRICE_UNIT_OUTPUT_TOKENS_MILLION}
"""Told even where they are 0, as for the free variants; 0 elsewhere means that it is not sold."""


def openrouter_model(entry: Object) -> Model | None:
    """What the model reads and makes, its limits and its prices under usual conditions."""
    architecture = json.obj(entry.get("architecture"))
    model = Model(
        id=json.text(entry.get("id")),
        display_name=json.text(entry.get("name")),
        capabilities=_capabilities(entry, architecture),
        input_modalities=fields.modalities(architecture.get("input_modalities")),
        output_modalities=fields.modalities(architecture.get("output_modalities")),
        max_input_tokens=json.count(entry.get("context_length")),
        max_output_tokens=json.count(json.obj(entry.get("top_provider")).get("max_completion_tokens")),
        create_time=timestamp(entry.get("created")),
        shutdown_time=fields.iso_time(entry.get("expiration_date")),
    )
    model.prices.extend(_prices(json.obj(entry.get("pricing"))))
    return model


def _capabilities(entry: Object, architecture: Object) -> list[fields.Capability]:
    makes = list(filter(None, map(json.text, json.items(architecture.get("output_modalities")))))
    reads = set(filter(None, map(json.text, json.items(architecture.get("input_modalities")))))
    found = list(dict.fromkeys(_OUTPUTS.get(word, fields.OTHER) for word in makes))
    if fields.CHAT in found:
        takes = set(filter(None, map(json.text, json.items(entry.get("supported_parameters")))))
        found += [word for name, word in _PARAMETERS.items() if name in takes]
    if fields.IMAGE in found and "image" in reads:
        found.append(fields.IMAGE_EDIT)
    return found


def _prices(told: Object) -> list[pb.Price]:
    """Base prices, then those above a number of input tokens. What holds at some hours alone is left out."""
    found = [price for price in fields.prices(told, _PRICES) if price.nano_usd or price.unit in _BASE]
    for override in json.objects(told.get("overrides")):
        above = json.count(override.get("min_prompt_tokens"))
        if above and "utc_start" not in override:
            found += fields.prices(override, _PRICES, above)
    return found
