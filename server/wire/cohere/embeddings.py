"""/v2/embed: https://docs.cohere.com/reference/embed."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsRequest, CreateEmbeddingsResponse, EmbeddingInput
from aignehub.v1.usage_pb2 import Usage

from server.errors import HubError, InvalidArgument, ProviderBadResponse, Unimplemented, UnsupportedByProvider
from server.wire import json_value as json
from server.wire.chat.media import data_url
from server.wire.cohere.failures import failure_in, read_error
from server.wire.cohere.words import PROVIDER
from server.wire.drops import Drops
from server.wire.extra_body import merge_extra_body
from server.wire.http import HttpRequest, HttpResponse
from server.wire.openai_embeddings import vectors
from server.wire.openai_embeddings.decode import answer_of, estimated_usage
from server.wire.openai_embeddings.dialect import BINARY, FLOAT32, INT8, UBINARY, UINT8, Format

_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_FIELDS = frozenset({"model", "inputs", "dimensions", "encoding", "task", "truncate", "user", "gateway"})
"""A field added to the contract is refused until it is built."""
_OWNED = _FIELDS | {"texts", "images", "input_type", "embedding_types", "output_dimension"}
_MAX_TEXTS = 96
_INT32_MAX = 2**31 - 1

_TYPES: Mapping[int, tuple[str, Format]] = {
    FLOAT32: ("float", Format(FLOAT32)),
    INT8: ("int8", Format(INT8)),
    UINT8: ("uint8", Format(UINT8)),
    BINARY: ("binary", Format(BINARY)),
    UBINARY: ("ubinary", Format(UBINARY)),
}
_INPUT_TYPES: Mapping[int, str] = {
    pb.EMBEDDING_TASK_RETRIEVAL_QUERY: "search_query",
    pb.EMBEDDING_TASK_RETRIEVAL_DOCUMENT: "search_document",
    pb.EMBEDDING_TASK_CLASSIFICATION: "classification",
    pb.EMBEDDING_TASK_CLUSTERING: "clustering",
}
_NEAREST: Mapping[int, str] = {
    pb.EMBEDDING_TASK_SEMANTIC_SIMILARITY: "clustering",
    pb.EMBEDDING_TASK_QUESTION_ANSWERING: "search_query",
    pb.EMBEDDING_TASK_FACT_VERIFICATION: "search_query",
    pb.EMBEDDING_TASK_CODE_RETRIEVAL_QUERY: "search_query",
}
"""Tasks that it has no word for, and the one that comes nearest; told as dropped all the same."""
_USUAL = "search_document"
"""One must be named; what is stored to be found is what most vectors are made of."""


class CohereEmbeddingsCodec:
    """See EmbeddingsCodec. Vectors come as lists of numbers, which every one of its models can send."""

    def parts(self, request: CreateEmbeddingsRequest) -> list[list[int]]:
        """See EmbeddingsCodec.parts: 96 texts go together, and each image alone, as models before embed-v4 want it."""
        texts: list[int] = []
        images: list[int] = []
        for place, one in enumerate(request.inputs):
            match one.WhichOneof("input"):
                case "image":
                    images.append(place)
                case "tokens":
                    raise UnsupportedByProvider.of(
                        f"inputs[{place}].tokens", f"{PROVIDER} embeds text and images alone"
                    )
                case _:
                    texts.append(place)
        whole = [texts[at : at + _MAX_TEXTS] for at in range(0, len(texts), _MAX_TEXTS)]
        return [*whole, *([place] for place in images)]

    def encode(self, request: CreateEmbeddingsRequest, model: str, part: Sequence[int]) -> HttpRequest:
        """See EmbeddingsCodec.encode."""
        for field, _ in request.ListFields():
            if field.name not in _FIELDS:
                raise Unimplemented.field(field.name)
        notes = Drops(strict=request.gateway.strict_parameters)
        body: dict[str, Any] = {"model": model, **_inputs(request, part, notes)}
        body["embedding_types"] = [_type_of(request)[0]]
        if request.HasField("dimensions"):
            body["output_dimension"] = request.dimensions
        if request.HasField("truncate"):
            body["truncate"] = "END" if request.truncate else "NONE"
        if request.user:
            notes.drop("user", f"{PROVIDER} has no such parameter")
        if any(request.inputs[place].title for place in part):
            notes.drop("inputs.title", f"{PROVIDER} has no titles of inputs")
        if request.gateway.extra_body_json:
            merge_extra_body(request.gateway.extra_body_json, body, owned=_OWNED)
        return HttpRequest("/v2/embed", orjson.dumps(body), _HEADERS, adjusted_fields=tuple(notes.fields))

    def decode(
        self, response: HttpResponse, request: CreateEmbeddingsRequest, part: Sequence[int]
    ) -> CreateEmbeddingsResponse:
        """See EmbeddingsCodec.decode."""
        answer = json.obj(json.parse(response.body))
        if (error := failure_in(answer)) is not None:
            raise error
        word, form = _type_of(request)
        # Older models answer with the list alone where floats are all there is.
        told = answer.get("embeddings")
        found = told.get(word) if type(told) is dict else told
        if type(found) is not list or not all(type(one) is list for one in found):
            raise ProviderBadResponse("the provider answered without embeddings")
        if len(found) != len(part):
            raise ProviderBadResponse(
                f"the provider was asked for {len(part)} embeddings and answered with {len(found)}"
            )
        ordered = [vectors.packed(one, form) for one in found]
        whole = answer_of(ordered, form, request, part)
        whole.usage.CopyFrom(_usage(json.obj(answer.get("meta"))) or estimated_usage(request, part))
        return whole

    def decode_error(self, response: HttpResponse) -> HubError:
        """See EmbeddingsCodec.decode_error."""
        return read_error(response)

    def reads_url(self, _kind: str, _media: Any, _model: str) -> bool:
        """See ReadsUrls.reads_url: images travel as their bytes."""
        return False


def _type_of(request: CreateEmbeddingsRequest) -> tuple[str, Format]:
    wanted = request.encoding
    if wanted in (pb.EMBEDDING_ENCODING_UNSPECIFIED, pb.EMBEDDING_ENCODING_FLOAT_LIST):
        wanted = FLOAT32
    return _TYPES[wanted]


def _inputs(request: CreateEmbeddingsRequest, part: Sequence[int], notes: Drops) -> dict[str, Any]:
    first = request.inputs[part[0]]
    if first.HasField("image"):
        return {"input_type": "image", "images": [_image(place, request.inputs[place]) for place in part]}
    task = request.task
    word = _INPUT_TYPES.get(task) or _NEAREST.get(task, _USUAL)
    if task in _NEAREST:
        notes.drop("task", f"{PROVIDER} has no vectors for it; the nearest it has is {word}")
    return {"input_type": word, "texts": [request.inputs[place].text for place in part]}


def _image(place: int, one: EmbeddingInput) -> str:
    path = f"inputs[{place}].image"
    if one.image.WhichOneof("source") == "data":
        return data_url(one.image, path)
    if one.image.WhichOneof("source") == "file_id":
        raise UnsupportedByProvider.of(f"{path}.file_id", "send the image's bytes or its URL")
    raise InvalidArgument.field(path, "set data or url")


def _usage(meta: json.Object) -> Usage | None:
    """Tokens read, or billed where only those are told; an image's stand beside those of text. Nothing is written."""
    billed = json.obj(meta.get("billed_units"))
    for source in (json.obj(meta.get("tokens")), billed):
        if read := json.count(source.get("input_tokens")) + json.count(source.get("image_tokens")):
            read = min(read, _INT32_MAX)
            return Usage(input_tokens=read, total_tokens=read, billed_images=json.count(billed.get("images")))
    return None
