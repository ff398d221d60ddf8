"""Embeddings by Google's models. A family of models is a row of ``EmbeddingFamily``; see embedding_families.py."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsRequest, CreateEmbeddingsResponse, EmbeddingInput
from aignehub.v1.media_pb2 import Media
from aignehub.v1.usage_pb2 import Usage

from server.errors import HubError, InvalidArgument, ProviderBadResponse, Unimplemented
from server.wire import json_value as json
from server.wire.drops import Drops
from server.wire.extra_body import merge_extra_body
from server.wire.gemini import errors
from server.wire.gemini.encode import HEADERS
from server.wire.gemini.host import Host
from server.wire.http import HttpRequest, HttpResponse
from server.wire.json_value import Object
from server.wire.openai_embeddings import vectors
from server.wire.openai_embeddings.cut import cut
from server.wire.openai_embeddings.decode import answer_of, estimated_usage
from server.wire.openai_embeddings.dialect import FLOAT32, EmbeddingsDialect, Format
from server.wire.openai_embeddings.encode import format_of

_FIELDS = frozenset({"model", "inputs", "dimensions", "encoding", "task", "truncate", "user", "gateway"})
"""A field added to the contract is refused until it is built."""
_DOCUMENT = pb.EMBEDDING_TASK_RETRIEVAL_DOCUMENT
_FORM = Format(FLOAT32)


@dataclass(frozen=True, slots=True)
class Asked:
    """One part of a request, as far as a body is made of it."""

    host: Host
    resource: str
    """The model's name as a request inside a request wants it."""
    inputs: Sequence[tuple[str, EmbeddingInput]]
    """Each with its path, for errors. All are texts, or all are images."""
    request: CreateEmbeddingsRequest
    notes: Drops

    @property
    def task(self) -> str:
        """Google's word for what the vectors are for, which is the contract's; empty where it was not said."""
        task = self.request.task
        return pb.EmbeddingTask.Name(task).removeprefix("EMBEDDING_TASK_") if task else ""

    @property
    def dimensions(self) -> int | None:
        return self.request.dimensions if self.request.HasField("dimensions") else None

    def title(self, path: str, one: EmbeddingInput) -> str:
        """The title of an input; none but documents to be found have one."""
        if one.title and self.request.task != _DOCUMENT:
            self.notes.drop(f"{path}.title", "the provider reads titles with the task RETRIEVAL_DOCUMENT alone")
            return ""
        return one.title


@dataclass(frozen=True, slots=True)
class EmbeddingFamily:
    """What a group of models embeds, and how it is asked and answers."""

    method: Callable[[Asked], str]
    """The method of the model's path."""
    write: Callable[[Asked], dict[str, Any]]
    """The body of one part."""
    read: Callable[[Object], list[Any]]
    """Vectors out of an answer, each a list of numbers where it is one."""
    usage: Callable[[Object], Usage | None]
    """What it says of tokens; None where it says nothing."""
    bounds: EmbeddingsDialect
    """Which inputs it takes, and how many together."""
    truncates: bool = False
    """Takes a word on whether long inputs are cut."""
    lengths: frozenset[int] = frozenset()
    """Lengths of a vector that can be asked for; empty for any up to the model's own."""


@dataclass(frozen=True, slots=True)
class GeminiEmbeddingsCodec:
    """The EmbeddingsCodec of one family at one host."""

    host: Host
    family: EmbeddingFamily

    def parts(self, request: CreateEmbeddingsRequest) -> list[list[int]]:
        """See EmbeddingsCodec.parts."""
        return cut(self.family.bounds, request)

    def encode(self, request: CreateEmbeddingsRequest, model: str, part: Sequence[int]) -> HttpRequest:
        """See EmbeddingsCodec.encode."""
        for field, _ in request.ListFields():
            if field.name not in _FIELDS:
                raise Unimplemented.field(field.name)
        format_of(self.family.bounds, request)
        notes = Drops(strict=request.gateway.strict_parameters)
        if request.user:
            notes.drop("user", f"{self.host.name} has no such parameter")
        if request.HasField("truncate") and not self.family.truncates:
            notes.drop("truncate", f"{self.host.name} has no such parameter for this model")
        lengths = self.family.lengths
        if lengths and request.HasField("dimensions") and request.dimensions not in lengths:
            raise InvalidArgument.field("dimensions", f"{model} takes {', '.join(map(str, sorted(lengths)))}")
        inputs = [(f"inputs[{place}]", request.inputs[place]) for place in part]
        asked = Asked(self.host, self.host.resource(model), inputs, request, notes)
        body = self.family.write(asked)
        if request.gateway.extra_body_json:
            merge_extra_body(request.gateway.extra_body_json, body, owned=_OWNED)
        path = self.host.path(model, self.family.method(asked))
        return HttpRequest(path, orjson.dumps(body), HEADERS, adjusted_fields=tuple(notes.fields))

    def decode(
        self, response: HttpResponse, request: CreateEmbeddingsRequest, part: Sequence[int]
    ) -> CreateEmbeddingsResponse:
        """See EmbeddingsCodec.decode."""
        answer = json.obj(json.parse(response.body))
        if (error := errors.error_in(answer, response.headers)) is not None:
            raise error
        found = self.family.read(answer)
        if not found or not all(type(one) is list for one in found):
            raise ProviderBadResponse("the provider answered without embeddings")
        if len(found) != len(part):
            raise ProviderBadResponse(
                f"the provider was asked for {len(part)} embeddings and answered with {len(found)}"
            )
        whole = answer_of([vectors.packed(one, _FORM) for one in found], _FORM, request, part)
        whole.usage.CopyFrom(self.family.usage(answer) or estimated_usage(request, part))
        return whole

    def decode_error(self, response: HttpResponse) -> HubError:
        """See EmbeddingsCodec.decode_error."""
        return errors.read_error(response)

    def reads_url(self, kind: str, media: Media, model: str) -> bool:
        """See ReadsUrls.reads_url: from Google's own store alone."""
        return self.host.stores and media.url.startswith("gs://")


_OWNED = frozenset({"content", "requests", "instances", "taskType", "title", "outputDimensionality", "model"})
"""Top-level keys that fields of the contract stand for; gateway.extra_body_json may not set them."""
