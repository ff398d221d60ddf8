"""An embeddings request, checked and made typed."""

from dataclasses import dataclass

import orjson

from server.sandbox.fields import Fields
from server.sandbox.refusal import Refusal

Input = str | list[int]
"""Text, or token ids."""

_USUAL_DIMENSIONS = 256
_MOST_DIMENSIONS = 65_536
_MOST_INPUTS = 2048  # OpenAI's
_MOST_ID = 2**32 - 1
_MOST_NUMBERS = 2**24  # of all vectors of a request together: what one may make the sandbox write


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """What the models read."""

    model: str
    inputs: tuple[Input, ...]
    dimensions: int = _USUAL_DIMENSIONS
    base64: bool = False


def read_embedding_request(raw: bytes) -> EmbeddingRequest:
    """The request in ``raw``; raises Refusal (400) naming the field that is wrong."""
    try:
        body = Fields(orjson.loads(raw))
    except orjson.JSONDecodeError:
        raise Refusal("The body is not valid JSON.") from None
    body.text("user")
    model = body.needed_text("model")
    inputs = tuple(_inputs(body))
    dimensions = body.integer("dimensions", 1, _MOST_DIMENSIONS) or _USUAL_DIMENSIONS
    if len(inputs) * dimensions > _MOST_NUMBERS:
        most = _MOST_NUMBERS // len(inputs)
        raise Refusal(f"So many inputs are embedded in {most} dimensions at most.", param="dimensions")
    return EmbeddingRequest(
        model=model,
        inputs=inputs,
        dimensions=dimensions,
        base64=body.choice("encoding_format", ("float", "base64")) == "base64",
    )


def _inputs(body: Fields) -> list[Input]:
    given = body.values.get("input")
    if isinstance(given, str):
        return [_text(given, "input")]
    if not isinstance(given, list) or not given:
        raise body.wrong("input", "a string, or an array of strings or token ids that is not empty")
    if all(_is_id(one) for one in given):
        return [given]
    if len(given) > _MOST_INPUTS:
        raise Refusal(f"'input' holds {len(given)} inputs, more than {_MOST_INPUTS}.", param="input")
    kinds = {type(one) for one in given}
    if kinds not in ({str}, {list}):
        raise Refusal("'input' must hold strings alone or arrays of token ids alone.", param="input")
    return [
        _text(one, f"input[{place}]") if isinstance(one, str) else _ids(one, place) for place, one in enumerate(given)
    ]


def _text(text: str, path: str) -> str:
    if not text:
        raise Refusal(f"'{path}' cannot be an empty string.", param=path)
    return text


def _ids(given: list[object], place: int) -> list[int]:
    ids = [one for one in given if isinstance(one, int) and _is_id(one)]
    if not ids or len(ids) < len(given):
        path = f"input[{place}]"
        raise Refusal(f"'{path}' must hold token ids, at least one.", param=path)
    return ids


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_ID
