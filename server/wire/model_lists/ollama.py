"""Ollama's list of the models on its machine, and what it shows of each."""

from collections.abc import Collection

import orjson
from aignehub.v1.model_service_pb2 import Model

from server.wire import json_value as json
from server.wire.http import HttpRequest, HttpResponse
from server.wire.json_value import Object
from server.wire.model_lists import fields
from server.wire.model_lists.codec import ListCodec
from server.wire.model_lists.page import Details

_WORDS = {
    "completion": fields.CHAT,
    "tools": fields.TOOLS,
    "thinking": fields.REASONING,
    "embedding": fields.EMBEDDING,
}
_CONTEXT, _VECTOR = "context_length", "embedding_length"


def _listed(entry: Object) -> Model:
    """https://docs.ollama.com/api/tags: names; newer releases also tell capabilities."""
    model = Model(id=json.text(entry.get("model")) or json.text(entry.get("name")))
    _tell(model, entry, remote=bool(json.text(entry.get("remote_host"))))
    return model


def _tell(model: Model, told: Object, *, remote: bool) -> None:
    """What it can do. Every model answers to a schema, but those that run elsewhere.

    https://docs.ollama.com/capabilities/structured-outputs
    """
    words = set(filter(None, map(json.text, json.items(told.get("capabilities")))))
    found = [word for name, word in _WORDS.items() if name in words]
    if fields.CHAT in found and not remote:
        found.append(fields.JSON_SCHEMA)
    model.capabilities[:] = found
    model.input_modalities[:] = fields.modalities(["text", "image"]) if "vision" in words else []


def _details(entry: Object, model: Model) -> Details:
    """https://docs.ollama.com/api-reference/show-model-details; the digest says when it is another model."""
    body = orjson.dumps({"model": model.id})
    request = HttpRequest(path="/api/show", body=body, headers={"Content-Type": "application/json"})
    return Details(json.text(entry.get("digest")), request)


def _shown(response: HttpResponse, model: Model) -> None:
    told = json.obj(json.parse(response.body))
    if json.items(told.get("capabilities")):  # releases before 0.6.4 tell none
        _tell(model, told, remote=bool(json.text(told.get("remote_host"))))
    # Keys begin with the architecture's name: gemma3.context_length, and gemma3.vision.embedding_length of a part.
    whole = {key.partition(".")[2]: value for key, value in json.obj(told.get("model_info")).items()}
    model.max_input_tokens = json.count(whole.get(_CONTEXT))
    size = json.count(whole.get(_VECTOR))
    if fields.EMBEDDING in model.capabilities and size:
        model.embedding_dimensions[:] = [size]


def _remedy(model: str, listed: Collection[str]) -> str:
    """What is not on the machine has to be pulled; names of its cloud's models end in ``cloud`` and need not.

    As its own client does, a name without a tag means ``latest``, and case means nothing.
    """
    full = model.casefold().removeprefix("registry.ollama.ai/").removeprefix("library/")
    full = full if ":" in full.rpartition("/")[2] else f"{full}:latest"
    if full.endswith("cloud") or full in listed or any(full == one.casefold() for one in listed):
        return ""
    return f"{model} is not on the provider's machine; fetch it there with `ollama pull {model}`"


OLLAMA = ListCodec(
    "/api/tags", _listed, items=("models",), changes=True, remedy=_remedy, details=_details, read_details=_shown
)
