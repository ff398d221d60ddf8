"""Embeddings by InvokeModel, whose body is each maker's own. A family of models is a row of ``EmbeddingFamily``.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsRequest, CreateEmbeddingsResponse, EmbeddingInput
from aignehub.v1.media_pb2 import Media
from aignehub.v1.usage_pb2 import Usage

from server.errors import HubError, InvalidArgument, ProviderBadResponse, Unimplemented, UnsupportedByProvider
from server.wire import json_value as json
from server.wire.bedrock.draft import PROVIDER
from server.wire.bedrock.errors import read_error
from server.wire.bedrock.media import S3
from server.wire.drops import Drops
from server.wire.extra_body import merge_extra_body
from server.wire.http import HttpRequest, HttpResponse, path_segment
from server.wire.json_value import Object
from server.wire.openai_embeddings import vectors
from server.wire.openai_embeddings.decode import answer_of, estimated_usage
from server.wire.openai_embeddings.dialect import FLOAT32, Format

_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_TOKENS = "x-amzn-bedrock-input-token-count"
_FIELDS = frozenset({"model", "inputs", "dimensions", "encoding", "task", "truncate", "user", "gateway"})
"""A field added to the contract is refused until it is built."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One part of a request, as far as a body is made of it."""

    inputs: Sequence[tuple[str, EmbeddingInput]]
    """Each with its path, for errors. All are texts, or all are images."""
    type: str
    """The family's word for the encoding."""
    request: CreateEmbeddingsRequest
    notes: Drops

    @property
    def dimensions(self) -> int | None:
        return self.request.dimensions if self.request.HasField("dimensions") else None

    @property
    def truncate(self) -> bool | None:
        return self.request.truncate if self.request.HasField("truncate") else None


@dataclass(frozen=True, slots=True)
class EmbeddingFamily:
    """What a group of models embeds, and how it is asked and answers."""

    write: Callable[[Asked], dict[str, Any]]
    """The body of one part."""
    read: Callable[[Object, str], list[Any]]
    """Vectors out of an answer, each a list of numbers or bytes; the text is the word for the encoding."""
    types: Mapping[int, tuple[str, Format]]
    """By the contract's encoding, the family's word and what its numbers are; what is missing is refused."""
    max_texts: int = 1
    images: bool = False
    """Embeds an image too, one a request."""
    lengths: tuple[int, ...] = ()
    """Lengths of a vector that can be asked for; empty where each model has its own."""


@dataclass(frozen=True, slots=True)
class BedrockEmbeddingsCodec:
    """The EmbeddingsCodec of one family of models."""

    family: EmbeddingFamily | None
    """None for models that are not known to embed."""

    def parts(self, request: CreateEmbeddingsRequest) -> list[list[int]]:
        """See EmbeddingsCodec.parts."""
        family = _known(self.family)
        texts: list[int] = []
        images: list[int] = []
        for place, one in enumerate(request.inputs):
            kind = one.WhichOneof("input") or "text"
            if kind == "tokens" or (kind == "image" and not family.images):
                takes = "text and images" if family.images else "text"
                raise UnsupportedByProvider.of(f"inputs[{place}].{kind}", f"the model embeds {takes} alone")
            (images if kind == "image" else texts).append(place)
        whole = [texts[at : at + family.max_texts] for at in range(0, len(texts), family.max_texts)]
        return [*whole, *([place] for place in images)]

    def encode(self, request: CreateEmbeddingsRequest, model: str, part: Sequence[int]) -> HttpRequest:
        """See EmbeddingsCodec.encode."""
        family = _known(self.family)
        for field, _ in request.ListFields():
            if field.name not in _FIELDS:
                raise Unimplemented.field(field.name)
        notes = Drops(strict=request.gateway.strict_parameters)
        if request.user:
            notes.drop("user", f"{PROVIDER} has no such parameter")
        if any(request.inputs[place].title for place in part):
            notes.drop("inputs.title", f"{PROVIDER} has no titles of inputs")
        _check_length(request, family, model)
        inputs = [(f"inputs[{place}]", request.inputs[place]) for place in part]
        body = family.write(Asked(inputs, _type(family, request)[0], request, notes))
        if request.gateway.extra_body_json:
            merge_extra_body(request.gateway.extra_body_json, body, owned=frozenset(body))
        path = f"/model/{path_segment(model)}/invoke"
        return HttpRequest(path, orjson.dumps(body), _HEADERS, adjusted_fields=tuple(notes.fields))

    def decode(
        self, response: HttpResponse, request: CreateEmbeddingsRequest, part: Sequence[int]
    ) -> CreateEmbeddingsResponse:
        """See EmbeddingsCodec.decode."""
        family = _known(self.family)
        word, form = _type(family, request)
        answer = json.obj(json.parse(response.body))
        found = family.read(answer, word)
        if not found or not all(type(one) in (list, bytes) for one in found):
            raise ProviderBadResponse("the provider answered without embeddings")
        if len(found) != len(part):
            raise ProviderBadResponse(
                f"the provider was asked for {len(part)} embeddings and answered with {len(found)}"
            )
        whole = answer_of([vectors.packed(one, form) for one in found], form, request, part)
        whole.usage.CopyFrom(_usage(response, answer) or estimated_usage(request, part))
        return whole

    def decode_error(self, response: HttpResponse) -> HubError:
        """See EmbeddingsCodec.decode_error."""
        return read_error(response)

    def reads_url(self, kind: str, media: Media, model: str) -> bool:
        """See ReadsUrls.reads_url: from S3 alone, and there only some models."""
        return media.url.startswith(S3)


def _known(family: EmbeddingFamily | None) -> EmbeddingFamily:
    if family is None:
        raise UnsupportedByProvider.of("model", f"{PROVIDER} is known to embed by models of Titan, Nova and Cohere")
    return family


def _type(family: EmbeddingFamily, request: CreateEmbeddingsRequest) -> tuple[str, Format]:
    wanted = request.encoding
    if wanted in (pb.EMBEDDING_ENCODING_UNSPECIFIED, pb.EMBEDDING_ENCODING_FLOAT_LIST):
        wanted = FLOAT32
    found = family.types.get(wanted)
    if found is None:
        name = pb.EmbeddingEncoding.Name(wanted).removeprefix("EMBEDDING_ENCODING_")
        raise UnsupportedByProvider.of("encoding", f"the model makes no {name} vectors; ask for FLOAT32_LE")
    return found


def _check_length(request: CreateEmbeddingsRequest, family: EmbeddingFamily, model: str) -> None:
    if not request.HasField("dimensions"):
        return
    if not family.lengths:
        raise UnsupportedByProvider.of("dimensions", f"{model} has vectors of its own length alone")
    if request.dimensions not in family.lengths:
        raise InvalidArgument.field("dimensions", f"{model} takes {', '.join(map(str, family.lengths))}")


def _usage(response: HttpResponse, answer: Object) -> Usage | None:
    """InvokeModel counts tokens in a header; Titan in its body too."""
    told = response.headers.get(_TOKENS, "")
    tokens = int(told) if told.isdecimal() and len(told) < 10 else json.count(answer.get("inputTextTokenCount"))
    return Usage(input_tokens=tokens, total_tokens=tokens) if tokens else None
