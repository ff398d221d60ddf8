"""An answer of the format as one of the contract: every vector there, in its place, of the length asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsRequest, CreateEmbeddingsResponse
from aignehub.v1.usage_pb2 import Usage

from server.errors import ProviderBadResponse
from server.wire import estimate, provider_errors
from server.wire import json_value as json
from server.wire.http import HttpResponse
from server.wire.openai_chat.usage import read_usage
from server.wire.openai_embeddings import vectors
from server.wire.openai_embeddings.dialect import FLOAT32, EmbeddingsDialect, Format
from server.wire.openai_embeddings.encode import format_of
from server.wire.openai_embeddings.names import NAMES

_UNREADABLE = "the provider's answer cannot be read"
_IMAGE_TOKENS = 765  # as estimate.py has it for a picture in a chat


class _Vector(msgspec.Struct):
    embedding: bytes | list[float]
    index: int | None = None


class _Answer(msgspec.Struct):
    data: list[_Vector]
    model: Any = None
    usage: Any = None
    error: Any = None


# Base64 text becomes bytes while the JSON is read: no string and no list of floats is ever made of it.
_ANSWER = msgspec.json.Decoder(_Answer)


def decode(
    dialect: EmbeddingsDialect, response: HttpResponse, request: CreateEmbeddingsRequest, part: Sequence[int]
) -> CreateEmbeddingsResponse:
    """See EmbeddingsCodec.decode."""
    answer = _read(response)
    if (error := provider_errors.error_in({"error": answer.error}, response.headers, names=NAMES)) is not None:
        raise error
    form = format_of(dialect, request)
    told = answer_of(_ordered(answer.data, form, len(part)), form, request, part)
    told.model = json.text(answer.model)
    told.usage.CopyFrom(_usage(answer.usage, request, part))
    return told


def answer_of(
    ordered: list[bytes], form: Format, request: CreateEmbeddingsRequest, part: Sequence[int]
) -> CreateEmbeddingsResponse:
    """The vectors of a part, in its order, as the caller wants them; without model and usage.

    Raises ProviderBadResponse where they are of other lengths than one, or than was asked for.
    """
    wanted = request.encoding or FLOAT32
    told = CreateEmbeddingsResponse(dimensions=_dimensions(ordered, form, request), encoding=wanted)
    if form.kind == wanted:
        add = told.embeddings.add
        for place, vector in zip(part, ordered, strict=True):
            add(index=place, packed=vector)
    else:
        for place, vector in zip(part, ordered, strict=True):
            vectors.add(told, place, vector, form.kind)
    return told


def _read(response: HttpResponse) -> _Answer:
    try:
        return _ANSWER.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_loosely(response)


def _read_loosely(response: HttpResponse) -> _Answer:
    """An error in a 200, base64 without its padding, whole numbers written as 1.0; anything else is refused."""
    told = json.parse(response.body)
    if type(told) is list and told:
        told = told[0]  # Google's servers wrap an error in an array.
    if type(told) is not dict:
        raise ProviderBadResponse(_UNREADABLE)
    if (error := provider_errors.error_in(told, response.headers, names=NAMES)) is not None:
        raise error
    data = told.get("data")
    if type(data) is not list:
        raise ProviderBadResponse("the provider answered without embeddings")
    return _Answer(
        data=[_vector(json.obj(one)) for one in data],
        model=told.get("model"),
        usage=told.get("usage"),
    )


def _vector(told: Mapping[str, Any]) -> _Vector:
    found = told.get("embedding")
    if type(found) is str:
        found = json.base64_bytes(found)
    elif type(found) is not list:
        raise ProviderBadResponse("the provider answered with an embedding that is no vector")
    place = told.get("index")
    if type(place) is float and place.is_integer():
        place = int(place)
    if place is not None and json.index(place) is None:
        raise ProviderBadResponse("the provider numbered an embedding with what is no number")
    return _Vector(found, place)


def _ordered(data: list[_Vector], form: Format, count: int) -> list[bytes]:
    """The vectors by their index, or as they came where the host numbers none."""
    if len(data) != count:
        raise ProviderBadResponse(f"the provider was asked for {count} embeddings and answered with {len(data)}")
    found: list[bytes | None] = [None] * count
    plain = not form.low_bit_first
    for place, one in enumerate(data):
        index = place if one.index is None else one.index
        if not 0 <= index < count or found[index] is not None:
            raise ProviderBadResponse(f"the provider numbered its {count} embeddings wrongly: {index} is out of place")
        vector = one.embedding
        found[index] = vector if plain and type(vector) is bytes else vectors.packed(vector, form)
    return [vector for vector in found if vector is not None]


def _dimensions(ordered: list[bytes], form: Format, request: CreateEmbeddingsRequest) -> int:
    """The length of every vector, which is the same and the one asked for."""
    lengths = {vectors.dimensions(size, form.kind) for size in set(map(len, ordered))}
    if len(lengths) > 1:
        raise ProviderBadResponse(
            f"the provider answered with vectors of different lengths, from {min(lengths)} to {max(lengths)}"
        )
    dimensions = lengths.pop()
    if not dimensions:
        raise ProviderBadResponse("the provider answered with empty vectors")
    if request.HasField("dimensions") and dimensions != request.dimensions:
        raise ProviderBadResponse(
            f"the provider was asked for {request.dimensions} dimensions and answered with {dimensions}",
            metadata={"askedDimensions": str(request.dimensions), "gotDimensions": str(dimensions)},
        )
    return dimensions


def _usage(told: Any, request: CreateEmbeddingsRequest, part: Sequence[int]) -> Usage:
    usage = read_usage(json.obj(told))
    if usage is None:
        return estimated_usage(request, part)
    # Nothing is written but vectors; a host that tells the total alone means what it read.
    usage.input_tokens, usage.output_tokens = usage.total_tokens, 0
    return usage


def estimated_usage(request: CreateEmbeddingsRequest, part: Sequence[int]) -> Usage:
    """Usage of a part whose provider told none."""
    tokens = sum(_tokens(request.inputs[place]) for place in part)
    return Usage(input_tokens=tokens, total_tokens=tokens, estimated=True)


def _tokens(one: pb.EmbeddingInput) -> int:
    match one.WhichOneof("input"):
        case "tokens":
            return len(one.tokens.ids)
        case "image":
            return _IMAGE_TOKENS
        case _:
            return estimate.tokens(estimate.text_size(one.text))
