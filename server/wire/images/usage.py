"""What images cost: tokens where the provider counts them, else the images themselves."""

from aignehub.v1 import usage_pb2
from aignehub.v1.usage_pb2 import ModalityTokens, Usage

from server.wire import estimate
from server.wire import json_value as json
from server.wire.json_value import Object
from server.wire.openai_chat.usage import provider_cost

_MODALITIES = (("text_tokens", usage_pb2.MODALITY_TEXT), ("image_tokens", usage_pb2.MODALITY_IMAGE))


def read_usage(told: Object, images: int) -> Usage:
    """The provider's tokens, or ``images`` billed where it told none; with its price, where it told one.

    OpenAI says input_tokens and output_tokens, OpenRouter prompt_tokens and completion_tokens; xAI tells the price
    alone, Doubao generated_images.
    """
    read = json.count(told.get("input_tokens")) or json.count(told.get("prompt_tokens"))
    written = json.count(told.get("output_tokens")) or json.count(told.get("completion_tokens"))
    usage = Usage()
    if read or written:
        total = max(json.count(told.get("total_tokens")), min(read + written, 2**31 - 1))
        usage = Usage(input_tokens=read, output_tokens=written, total_tokens=total)
        usage.input_by_modality.extend(_split(told, "input_tokens_details", "prompt_tokens_details"))
        usage.output_by_modality.extend(_split(told, "output_tokens_details", "completion_tokens_details"))
        cached = json.obj(told.get("input_tokens_details")) or json.obj(told.get("prompt_tokens_details"))
        usage.cached_input_tokens = json.count(cached.get("cached_tokens"))
        reasoning = json.obj(told.get("completion_tokens_details"))
        usage.reasoning_output_tokens = json.count(reasoning.get("reasoning_tokens"))
    else:
        usage.billed_images = json.count(told.get("generated_images")) or images
    if (cost := provider_cost(told)) is not None:
        usage.provider_cost_nano_usd = cost
    return usage


def unfinished(prompt: str) -> Usage:
    """Usage of a call that broke before an image was whole: what was read, as an estimate."""
    read = estimate.tokens(estimate.text_size(prompt))
    return Usage(input_tokens=read, total_tokens=read, estimated=True)


def add(total: Usage, more: Usage) -> None:
    """Adds the usage of one image of a stream to that of those before it."""
    for name in ("input_tokens", "output_tokens", "total_tokens", "cached_input_tokens", "billed_images"):
        setattr(total, name, min(getattr(total, name) + getattr(more, name), 2**31 - 1))
    total.estimated |= more.estimated
    if more.HasField("provider_cost_nano_usd"):
        total.provider_cost_nano_usd += more.provider_cost_nano_usd
    for into, source in (
        (total.input_by_modality, more.input_by_modality),
        (total.output_by_modality, more.output_by_modality),
    ):
        for entry in source:
            have = next((one for one in into if one.modality == entry.modality), None)
            if have is None:
                into.append(entry)
            else:
                have.tokens += entry.tokens


def _split(told: Object, *names: str) -> list[ModalityTokens]:
    details = next((found for name in names if (found := json.obj(told.get(name)))), {})
    return [
        ModalityTokens(modality=modality, tokens=number)
        for name, modality in _MODALITIES
        if (number := json.count(details.get(name)))
    ]
