"""A part of a request of the contract as one of the format."""

from collections.abc import Sequence
from typing import Any

import orjson
from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsRequest, EmbeddingTask

from server.errors import InvalidArgument, Unimplemented, UnsupportedByProvider
from server.wire.drops import Drops
from server.wire.extra_body import merge_extra_body
from server.wire.http import HttpRequest, path_segment
from server.wire.openai_embeddings.dialect import FLOAT32, EmbeddingsDialect, Format

_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}

_FIELDS = frozenset(
    {"model", "inputs", "dimensions", "encoding", "task", "truncate", "user", "gateway"}
)  # a field added to the contract is refused until it is built
_OWNED = _FIELDS | {"input", "encoding_format", "input_type", "truncate_prompt_tokens"}
_OWNED |= {"output_dimension", "output_dtype", "output_encoding", "embedding_type", "truncation"}
"""Top-level keys that a field of the contract stands for; gateway.extra_body_json may not set them."""


def encode(
    dialect: EmbeddingsDialect, request: CreateEmbeddingsRequest, model: str, part: Sequence[int]
) -> HttpRequest:
    """See EmbeddingsCodec.encode."""
    for field, _ in request.ListFields():
        if field.name not in _FIELDS:
            raise Unimplemented.field(field.name)
    notes = Drops(strict=request.gateway.strict_parameters)
    inputs = [request.inputs[place] for place in part]
    written = [dialect.write(f"inputs[{place}]", one) for place, one in zip(part, inputs, strict=True)]
    body: dict[str, Any] = {"model": model, dialect.input_name: written}
    form = format_of(dialect, request)
    if form.word:
        body[dialect.format_name] = form.word
    if form.dtype:
        body["output_dtype"] = form.dtype
    if request.HasField("dimensions"):
        body[dialect.dimensions_name] = _length(dialect, request, model)
    _tune(dialect, request, body, notes)
    if any(one.title for one in inputs):
        notes.drop("inputs.title", f"{dialect.name} has no titles of inputs")
    if request.gateway.extra_body_json:
        merge_extra_body(request.gateway.extra_body_json, body, owned=_OWNED)
    return HttpRequest(
        path=dialect.path.replace("{model}", path_segment(model)),
        body=orjson.dumps(body),
        headers=_HEADERS,
        adjusted_fields=tuple(notes.fields),
    )


def format_of(dialect: EmbeddingsDialect, request: CreateEmbeddingsRequest) -> Format:
    """How the host is to send what the caller wants. Raises UnsupportedByProvider naming ``encoding``."""
    wanted = request.encoding
    if wanted in (pb.EMBEDDING_ENCODING_UNSPECIFIED, pb.EMBEDDING_ENCODING_FLOAT_LIST):
        wanted = FLOAT32
    found = dialect.formats.get(wanted)
    if found is None:
        name = pb.EmbeddingEncoding.Name(wanted).removeprefix("EMBEDDING_ENCODING_")
        raise UnsupportedByProvider.of("encoding", f"{dialect.name} makes no {name} vectors; ask for FLOAT32_LE")
    return found


def _length(dialect: EmbeddingsDialect, request: CreateEmbeddingsRequest, model: str) -> int:
    if not dialect.dimensions:
        raise UnsupportedByProvider.of("dimensions", f"{dialect.name} has vectors of the model's own length alone")
    if dialect.lengths and request.dimensions not in dialect.lengths:
        raise InvalidArgument.field("dimensions", f"{model} takes {', '.join(map(str, dialect.lengths))}")
    return request.dimensions


def _tune(dialect: EmbeddingsDialect, request: CreateEmbeddingsRequest, body: dict[str, Any], notes: Drops) -> None:
    if request.user:
        if dialect.user:
            body["user"] = request.user
        else:
            notes.drop("user", f"{dialect.name} has no such parameter")
    if request.task:
        if request.task in dialect.tasks:
            body[dialect.task_name] = dialect.tasks[request.task]
        else:
            task = EmbeddingTask.Name(request.task).removeprefix("EMBEDDING_TASK_")
            notes.drop("task", f"{dialect.name} has no vectors for {task}")
    if request.HasField("truncate"):
        if dialect.truncation_name:
            body[dialect.truncation_name] = request.truncate
        elif dialect.truncate_prompt_tokens:
            if request.truncate:
                body["truncate_prompt_tokens"] = -1  # to what the model reads
        elif request.truncate is not dialect.truncates:
            does = {
                True: "cuts long inputs in any case",
                False: "refuses long inputs in any case",
                None: "does not say more",
            }
            notes.drop("truncate", f"{dialect.name} has no such parameter, and {does[dialect.truncates]}")
