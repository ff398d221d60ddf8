"""A part of a request of the contract as one of the format."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import orjson
from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsRequest, EmbeddingInput, EmbeddingTask
from aignehub.v1.media_pb2 import Media

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
_OWNED |= {"output_dimension", "output_dtype"}
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
    body: dict[str, Any] = {
        "model": model,
        "input": [one.text or _input(place, one) for place, one in zip(part, inputs, strict=True)],
    }
    form = format_of(dialect, request)
    if form.word:
        body["encoding_format"] = form.word
    if form.dtype:
        body["output_dtype"] = form.dtype
    if request.HasField("dimensions"):
        if not dialect.dimensions:
            raise UnsupportedByProvider.of("dimensions", f"{dialect.name} has vectors of the model's own length alone")
        body[dialect.dimensions_name] = request.dimensions
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


def _tune(dialect: EmbeddingsDialect, request: CreateEmbeddingsRequest, body: dict[str, Any], notes: Drops) -> None:
    if request.user:
        if dialect.user:
            body["user"] = request.user
        else:
            notes.drop("user", f"{dialect.name} has no such parameter")
    if request.task:
        if request.task in dialect.tasks:
            body["input_type"] = dialect.tasks[request.task]
        else:
            task = EmbeddingTask.Name(request.task).removeprefix("EMBEDDING_TASK_")
            notes.drop("task", f"{dialect.name} has no vectors for {task}")
    if request.HasField("truncate"):
        if dialect.truncate_prompt_tokens:
            if request.truncate:
                body["truncate_prompt_tokens"] = -1  # to what the model reads
        elif request.truncate is not dialect.truncates:
            does = {
                True: "cuts long inputs in any case",
                False: "refuses long inputs in any case",
                None: "does not say more",
            }
            notes.drop("truncate", f"{dialect.name} has no such parameter, and {does[dialect.truncates]}")


def _input(place: int, one: EmbeddingInput) -> Any:
    match one.WhichOneof("input"):
        case "tokens":
            return list(one.tokens.ids)
        case "image":
            # https://openrouter.ai/docs/api-reference/embeddings/create-embeddings
            url = _image_url(f"inputs[{place}].image", one.image)
            return {"content": [{"type": "image_url", "image_url": {"url": url}}]}
        case _:
            return one.text


def _image_url(path: str, media: Media) -> str:
    match media.WhichOneof("source"):
        case "url":
            return media.url
        case "data":
            if not media.mime_type:
                raise InvalidArgument.field(f"{path}.mime_type", "is required with data, for example image/png")
            return f"data:{media.mime_type};base64,{b64encode(media.data).decode()}"
        case _:
            raise UnsupportedByProvider.of(f"{path}.file_id", "send the image's bytes or its URL")
