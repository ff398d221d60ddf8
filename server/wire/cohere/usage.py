"""Tokens that were read and written, and, where only they are told, those that are billed.

https://docs.cohere.com/docs/how-does-cohere-pricing-work: billed are the caller's own tokens, without the prompts that
Cohere puts around them.
"""

from aignehub.v1 import usage_pb2
from aignehub.v1.usage_pb2 import ModalityTokens, Usage

from server.wire import json_value as json
from server.wire.json_value import Object

_INT32_MAX = 2**31 - 1
_READ = frozenset({"tokens", "cached_tokens"})


def read_usage(told: Object) -> Usage | None:
    """The provider's usage; None where it told no tokens at all."""
    tokens, billed = json.obj(told.get("tokens")), json.obj(told.get("billed_units"))
    source = tokens if _count(tokens) else billed
    # Recorded: 34 tokens of text read, and 259 of an image that they leave out.
    images = json.count(source.get("image_tokens")) if source is tokens else 0
    text, written = json.count(source.get("input_tokens")), json.count(source.get("output_tokens"))
    read = min(text + images, _INT32_MAX)
    if not read and not written:
        return None
    usage = Usage(
        input_tokens=read,
        output_tokens=written,
        total_tokens=min(read + written, _INT32_MAX),
        cached_input_tokens=min(json.count(told.get("cached_tokens")), read),
        reasoning_output_tokens=min(json.count(source.get("reasoning_tokens")), written),
    )
    if images:
        usage.input_by_modality.extend(
            [
                ModalityTokens(modality=usage_pb2.MODALITY_TEXT, tokens=text),
                ModalityTokens(modality=usage_pb2.MODALITY_IMAGE, tokens=images),
            ]
        )
    return usage


def unread_usage(told: Object) -> Object:
    """What ``told`` says that Usage has no field for: above all what is billed."""
    return json.unread(told, _READ)


def _count(tokens: Object) -> bool:
    return bool(json.count(tokens.get("input_tokens")) or json.count(tokens.get("output_tokens")))
