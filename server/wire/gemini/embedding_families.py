"""Google's embedding models by family, each with its way of being asked.

https://ai.google.dev/gemini-api/docs/embeddings,
https://cloud.google.com/vertex-ai/generative-ai/docs/embeddings/get-text-embeddings and
https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/embeddings/get-multimodal-embeddings
"""

from collections.abc import Mapping
from typing import Any

from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1.embedding_service_pb2 import EmbeddingInput
from aignehub.v1.usage_pb2 import Usage

from server.wire import json_value as json
from server.wire.gemini.embeddings import Asked, EmbeddingFamily
from server.wire.gemini.media import encode_media
from server.wire.gemini.usage import by_modality
from server.wire.json_value import Object
from server.wire.openai_embeddings.dialect import EmbeddingsDialect

_TEXT = frozenset({"text"})
_BOTH = frozenset({"text", "image"})
_IMAGE_TOKENS = 258  # https://ai.google.dev/gemini-api/docs/tokens#multimodal-tokens

# The model that knows no task types is told in words; documents have a title before them, or none.
_PROMPTS: Mapping[int, str] = {
    pb.EMBEDDING_TASK_RETRIEVAL_QUERY: "task: search result | query: ",
    pb.EMBEDDING_TASK_QUESTION_ANSWERING: "task: question answering | query: ",
    pb.EMBEDDING_TASK_FACT_VERIFICATION: "task: fact checking | query: ",
    pb.EMBEDDING_TASK_CODE_RETRIEVAL_QUERY: "task: code retrieval | query: ",
    pb.EMBEDDING_TASK_CLASSIFICATION: "task: classification | query: ",
    pb.EMBEDDING_TASK_CLUSTERING: "task: clustering | query: ",
    pb.EMBEDDING_TASK_SEMANTIC_SIMILARITY: "task: sentence similarity | query: ",
}


def _contents_method(asked: Asked) -> str:
    return "embedContent" if len(asked.inputs) == 1 else "batchEmbedContents"


def _with_tasks(asked: Asked) -> dict[str, Any]:
    """One text, or several each as a request of its own."""
    return _alone_or_together(asked, [_text_request(asked, path, one) for path, one in asked.inputs])


def _text_request(asked: Asked, path: str, one: EmbeddingInput) -> dict[str, Any]:
    told: dict[str, Any] = {"content": {"parts": [{"text": one.text}]}}
    if asked.task:
        told["taskType"] = asked.task
    if title := asked.title(path, one):
        told["title"] = title
    return _sized(asked, told)


def _with_prompts(asked: Asked) -> dict[str, Any]:
    requests = [_sized(asked, {"content": _prompted(asked, path, one)}) for path, one in asked.inputs]
    return _alone_or_together(asked, requests)


def _prompted(asked: Asked, path: str, one: EmbeddingInput) -> dict[str, Any]:
    """A text with the words for its task before it, or an image, which has none."""
    title = asked.title(path, one)
    if one.HasField("image"):
        if asked.task:
            asked.notes.drop("task", "the model is told the task in words, and an image has none")
        return {"parts": [encode_media(one.image, f"{path}.image", asked.host)]}
    if asked.request.task == pb.EMBEDDING_TASK_RETRIEVAL_DOCUMENT:
        return {"parts": [{"text": f"title: {title or 'none'} | text: {one.text}"}]}
    return {"parts": [{"text": _PROMPTS.get(asked.request.task, "") + one.text}]}


def _sized(asked: Asked, told: dict[str, Any]) -> dict[str, Any]:
    if asked.dimensions is not None:
        told["outputDimensionality"] = asked.dimensions
    return told


def _alone_or_together(asked: Asked, requests: list[dict[str, Any]]) -> dict[str, Any]:
    if len(requests) == 1:
        return requests[0]
    return {"requests": [{"model": asked.resource, **one} for one in requests]}


def _configured(asked: Asked) -> dict[str, Any]:
    """Vertex AI has what is no content in a configuration beside it."""
    [(path, one)] = asked.inputs
    config: dict[str, Any] = _sized(asked, {})
    if asked.request.HasField("truncate"):
        config["autoTruncate"] = asked.request.truncate
    body: dict[str, Any] = {"content": _prompted(asked, path, one)}
    return {**body, "embedContentConfig": config} if config else body


def _instances(asked: Asked) -> dict[str, Any]:
    instances: list[dict[str, Any]] = []
    for path, one in asked.inputs:
        told = {"content": one.text}
        if asked.task:
            told["task_type"] = asked.task
        if title := asked.title(path, one):
            told["title"] = title
        instances.append(told)
    parameters: dict[str, Any] = _sized(asked, {})
    if asked.request.HasField("truncate"):
        parameters["autoTruncate"] = asked.request.truncate
    return {"instances": instances, "parameters": parameters} if parameters else {"instances": instances}


def _multimodal(asked: Asked) -> dict[str, Any]:
    """https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/multimodal-embeddings-api."""
    [(path, one)] = asked.inputs
    if asked.task:
        asked.notes.drop("task", "the model has one kind of vectors")
    asked.title(path, one)
    if one.HasField("image"):
        media = encode_media(one.image, f"{path}.image", asked.host)
        inline, file = media.get("inlineData", {}), media.get("fileData", {})
        image = {"bytesBase64Encoded": inline["data"]} if inline else {"gcsUri": file["fileUri"]}
        told: dict[str, Any] = {"image": {**image, "mimeType": (inline or file)["mimeType"]}}
    else:
        told = {"text": one.text}
    parameters = {} if asked.dimensions is None else {"parameters": {"dimension": asked.dimensions}}
    return {"instances": [told], **parameters}


def _read_contents(answer: Object) -> list[Any]:
    if "embedding" in answer:
        return [json.obj(answer["embedding"]).get("values")]
    return [one.get("values") for one in json.objects(answer.get("embeddings"))]


def _read_predictions(answer: Object) -> list[Any]:
    return [json.obj(one.get("embeddings")).get("values") for one in json.objects(answer.get("predictions"))]


def _read_multimodal(answer: Object) -> list[Any]:
    told = json.objects(answer.get("predictions"))
    return [one.get("imageEmbedding") or one.get("textEmbedding") for one in told]


def _contents_usage(answer: Object) -> Usage | None:
    told = json.obj(answer.get("usageMetadata"))
    tokens = json.count(told.get("promptTokenCount"))
    if not tokens:
        return None
    return Usage(
        input_tokens=tokens, total_tokens=tokens, input_by_modality=by_modality(told.get("promptTokensDetails"))
    )


def _predictions_usage(answer: Object) -> Usage | None:
    counts = [
        json.count(json.obj(json.obj(one.get("embeddings")).get("statistics")).get("token_count"))
        for one in json.objects(answer.get("predictions"))
    ]
    if not all(counts):
        return None
    characters = json.count(json.obj(answer.get("metadata")).get("billableCharacterCount"))
    return Usage(input_tokens=sum(counts), total_tokens=sum(counts), billed_characters=characters)


def _untold(answer: Object) -> Usage | None:
    return None


TEXTS = EmbeddingFamily(
    _contents_method,
    _with_tasks,
    _read_contents,
    _contents_usage,
    # "at most 100 requests can be in one batch"
    EmbeddingsDialect(name="gemini", max_inputs=100, inputs=_TEXT),
)
"""gemini-embedding-001 and older at the Gemini API."""

ALL_MEDIA = EmbeddingFamily(
    _contents_method,
    _with_prompts,
    _read_contents,
    _contents_usage,
    EmbeddingsDialect(name="gemini", max_inputs=100, inputs=_BOTH, image_tokens=_IMAGE_TOKENS),
)
"""gemini-embedding-2 and later at the Gemini API."""

VERTEX_ALL_MEDIA = EmbeddingFamily(
    lambda _: "embedContent",
    _configured,
    _read_contents,
    _contents_usage,
    EmbeddingsDialect(name="vertex", max_inputs=1, inputs=_BOTH),
    truncates=True,
)
"""The same at Vertex AI."""

VERTEX_TEXTS = EmbeddingFamily(
    lambda _: "predict",
    _instances,
    _read_predictions,
    _predictions_usage,
    EmbeddingsDialect(name="vertex", max_inputs=250, max_tokens=20_000, inputs=_TEXT),
    truncates=True,
)
"""text-embedding-004, -005 and text-multilingual-embedding-002."""

VERTEX_ONE_TEXT = EmbeddingFamily(
    lambda _: "predict",
    _instances,
    _read_predictions,
    _predictions_usage,
    EmbeddingsDialect(name="vertex", max_inputs=1, inputs=_TEXT),
    truncates=True,
)
"""gemini-embedding-001, which takes one instance a request."""

VERTEX_MULTIMODAL = EmbeddingFamily(
    lambda _: "predict",
    _multimodal,
    _read_multimodal,
    _untold,
    EmbeddingsDialect(name="vertex", max_inputs=1, inputs=_BOTH),
    lengths=frozenset({128, 256, 512, 1408}),
)
"""multimodalembedding@001."""
