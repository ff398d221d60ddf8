"""The families of models that embed at Bedrock, each by its maker's page."""

import re
from collections.abc import Mapping
from typing import Any

from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1.embedding_service_pb2 import EmbeddingInput

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire import json_value as json
from server.wire.bedrock.draft import PROVIDER
from server.wire.bedrock.embeddings import Asked, BedrockEmbeddingsCodec, EmbeddingFamily
from server.wire.by_model import EmbeddingsByModel
from server.wire.chat.media import base64_text, data_url
from server.wire.image_facts import probe
from server.wire.json_value import Object
from server.wire.openai_embeddings.dialect import BINARY, FLOAT32, INT8, UBINARY, UINT8, Format

_FLOATS: Mapping[int, tuple[str, Format]] = {FLOAT32: ("float", Format(FLOAT32))}
_BITS = ("binary", Format(UBINARY))
_QUERY = pb.EMBEDDING_TASK_RETRIEVAL_QUERY
_DOCUMENT = pb.EMBEDDING_TASK_RETRIEVAL_DOCUMENT
_CLASSIFICATION = pb.EMBEDDING_TASK_CLASSIFICATION
_CLUSTERING = pb.EMBEDDING_TASK_CLUSTERING


# Titan: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html


def _titan(asked: Asked) -> dict[str, Any]:
    _drop_task(asked)
    _refuses_long_inputs(asked)
    return {"inputText": asked.inputs[0][1].text}


def _titan_2(asked: Asked) -> dict[str, Any]:
    body = _titan(asked)
    if asked.dimensions is not None:
        body["dimensions"] = asked.dimensions
    if asked.type != "float":
        body["embeddingTypes"] = [asked.type]
    return body


def _titan_image(asked: Asked) -> dict[str, Any]:
    """https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-mm.html."""
    path, one = asked.inputs[0]
    if one.WhichOneof("input") == "image":
        _drop_task(asked)
        _refuses_long_inputs(asked)
        body: dict[str, Any] = {"inputImage": base64_text(_bytes(path, one))}
    else:
        body = _titan(asked)
    if asked.dimensions is not None:
        body["embeddingConfig"] = {"outputEmbeddingLength": asked.dimensions}
    return body


def _read_titan(answer: Object, kind: str) -> list[Any]:
    if kind == "float":
        return [answer.get("embedding") or json.obj(answer.get("embeddingsByType")).get("float")]
    return [_packed_bits(json.obj(answer.get("embeddingsByType")).get(kind))]


def _packed_bits(told: Any) -> Any:
    """A one or a nought for each dimension, packed eight to a byte; what is something else as it came."""
    if type(told) is not list or len(told) % 8 or any(bit not in (0, 1) for bit in told):
        return None
    bits = "".join("1" if bit else "0" for bit in told)
    return int(bits, 2).to_bytes(len(told) // 8, "big") if bits else None


# Cohere: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html

_COHERE_TASKS: Mapping[int, str] = {
    _QUERY: "search_query",
    _DOCUMENT: "search_document",
    _CLASSIFICATION: "classification",
    _CLUSTERING: "clustering",
}


def _cohere(asked: Asked) -> dict[str, Any]:
    images = [(path, one) for path, one in asked.inputs if one.WhichOneof("input") == "image"]
    if images:
        _drop_task(asked)
        body: dict[str, Any] = {"input_type": "image", "images": [_image_url(path, one) for path, one in images]}
    else:
        # One must be named; what is stored to be found is what most vectors are made of.
        body = {"input_type": _task(asked, _COHERE_TASKS, "search_document")}
        body["texts"] = [one.text for _, one in asked.inputs]
    body["embedding_types"] = [asked.type]
    if asked.truncate is not None:
        body["truncate"] = "END" if asked.truncate else "NONE"
    if asked.dimensions is not None:
        body["output_dimension"] = asked.dimensions
    return body


def _read_cohere(answer: Object, kind: str) -> list[Any]:
    told = answer.get("embeddings")
    return json.items(told.get(kind) if type(told) is dict else told)


# Nova: https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html

_NOVA_TASKS: Mapping[int, str] = {
    _QUERY: "GENERIC_RETRIEVAL",
    _DOCUMENT: "GENERIC_INDEX",
    _CLASSIFICATION: "CLASSIFICATION",
    _CLUSTERING: "CLUSTERING",
}


def _nova(asked: Asked) -> dict[str, Any]:
    path, one = asked.inputs[0]
    params: dict[str, Any] = {"embeddingPurpose": _task(asked, _NOVA_TASKS, "GENERIC_INDEX")}
    if asked.dimensions is not None:
        params["embeddingDimension"] = asked.dimensions
    if one.WhichOneof("input") == "image":
        params["image"] = {"format": _format(path, one), "source": _nova_source(path, one)}
    else:
        # It must be said whether a long text is cut; unasked, nothing of it is lost in silence.
        params["text"] = {"truncationMode": "END" if asked.truncate else "NONE", "value": one.text}
    return {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": params}


def _nova_source(path: str, one: EmbeddingInput) -> dict[str, Any]:
    if one.image.url:
        return {"s3Location": {"uri": one.image.url}}
    return {"bytes": base64_text(_bytes(path, one))}


def _format(path: str, one: EmbeddingInput) -> str:
    facts = probe(one.image.data)
    told = f"image/{facts.format.lower()}" if facts else one.image.mime_type
    if not told.startswith("image/"):
        raise InvalidArgument.field(f"{path}.image.mime_type", "is required where the bytes do not tell it")
    return told.removeprefix("image/")


def _read_nova(answer: Object, kind: str) -> list[Any]:
    return [one.get("embedding") for one in json.objects(answer.get("embeddings"))]


def _drop_task(asked: Asked) -> None:
    if asked.request.task:
        asked.notes.drop("task", "the model makes one vector for every task")


def _refuses_long_inputs(asked: Asked) -> None:
    if asked.truncate:
        asked.notes.drop("truncate", "the model refuses long inputs in any case")


def _task(asked: Asked, words: Mapping[int, str], usual: str) -> str:
    task = asked.request.task
    if task and task not in words:
        asked.notes.drop("task", f"the model has no vectors for it; {usual} it is")
    return words.get(task, usual)


def _bytes(path: str, one: EmbeddingInput) -> bytes:
    match one.image.WhichOneof("source"):
        case "data":
            return one.image.data
        case source:
            raise UnsupportedByProvider.of(f"{path}.image.{source}", f"{PROVIDER} embeds an image by its bytes here")


def _image_url(path: str, one: EmbeddingInput) -> str:
    _bytes(path, one)
    return data_url(one.image, f"{path}.image")


_TITAN_2 = EmbeddingFamily(_titan_2, _read_titan, {**_FLOATS, BINARY: _BITS, UBINARY: _BITS}, lengths=(256, 512, 1024))
_TITAN_IMAGE = EmbeddingFamily(_titan_image, _read_titan, _FLOATS, images=True, lengths=(256, 384, 1024))
_COHERE_TYPES = {
    **_FLOATS,
    INT8: ("int8", Format(INT8)),
    UINT8: ("uint8", Format(UINT8)),
    BINARY: ("binary", Format(BINARY)),
    UBINARY: ("ubinary", Format(UBINARY)),
}
_COHERE_3 = EmbeddingFamily(_cohere, _read_cohere, _COHERE_TYPES, max_texts=96, images=True)
_COHERE_4 = EmbeddingFamily(
    _cohere, _read_cohere, _COHERE_TYPES, max_texts=96, images=True, lengths=(256, 512, 1024, 1536)
)
_NOVA = EmbeddingFamily(_nova, _read_nova, _FLOATS, images=True, lengths=(256, 384, 1024, 3072))

_ROWS = (
    (r"amazon\.titan-embed-image", _TITAN_IMAGE),
    (r"amazon\.titan-embed-text-v2", _TITAN_2),
    (r"amazon\.titan-embed", EmbeddingFamily(_titan, _read_titan, _FLOATS)),
    (r"amazon\.nova.*embed", _NOVA),
    (r"cohere\.embed-v4", _COHERE_4),
    (r"cohere\.embed", _COHERE_3),
)

EMBEDDINGS = EmbeddingsByModel(
    BedrockEmbeddingsCodec(None),
    # An id may begin with the region of a profile, or be an ARN.
    tuple((re.compile(rf"(.*[./])?{pattern}"), BedrockEmbeddingsCodec(family)) for pattern, family in _ROWS),
)
