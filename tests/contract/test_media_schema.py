"""Requests for vectors, pictures and speech, made at random, are valid by what providers publish of their endpoints."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email.parser import BytesParser
from email.policy import HTTP
from functools import cache
from random import Random
from typing import Any, TypeVar

import jsonschema_rs
import pytest
import yaml
from aignehub.v1 import embedding_service_pb2 as embedding
from aignehub.v1 import image_service_pb2 as image
from aignehub.v1.audio_pb2 import SpeechOptions
from aignehub.v1.audio_service_pb2 import CreateSpeechRequest

from server.errors import HubError
from server.providers.kind import ProviderKind
from server.providers.registry import PROVIDERS
from server.wire.http import HttpRequest
from tests.contract import generated_audio
from tests.contract.shared import SPECS
from tests.pictures import solid_png
from tests.wire.spec import mended, reachable

_EXAMPLES = 150
_TEXTS = ("x", "Grüße, 你好 🌍", 'line\n"two"\t\\', "word " * 20)
_PICTURE = solid_png(64, 64, (1, 2, 3, 255))
_JSON, _FORM = "application/json", "multipart/form-data"
T = TypeVar("T")
Made = Iterator[tuple[str, bytes]]
"""Content type and body of each request."""


def _embeddings(kind: ProviderKind, model: str) -> Made:
    assert kind.embeddings
    codec = kind.embeddings({})
    for chance in map(Random, range(_EXAMPLES)):
        request = embedding.CreateEmbeddingsRequest(
            encoding=chance.choice(embedding.EmbeddingEncoding.values()),
            task=chance.choice(embedding.EmbeddingTask.values()),
            user=chance.choice(("", "u")),
        )
        tokens = chance.random() < 0.2
        for _ in range(chance.randint(1, 3)):
            one = request.inputs.add()
            if tokens:
                one.tokens.ids.extend(chance.sample(range(2**31), 2))
            else:
                one.text = chance.choice(_TEXTS)
        if chance.random() < 0.3:
            request.dimensions = chance.choice((1, 256, 1024))
        if chance.random() < 0.3:
            request.truncate = chance.random() < 0.5
        yield from _tried(request, lambda one: [codec.encode(one, model, part) for part in codec.parts(one)])


def _pictures(kind: ProviderKind, model: str) -> Made:
    assert kind.images
    codec = kind.images({})
    for chance in map(Random, range(_EXAMPLES)):
        request = image.GenerateImagesRequest(prompt=chance.choice(_TEXTS), options=_look(chance), user="u")
        stream = chance.random() < 0.3
        yield from _tried((request, stream), lambda one: [codec.encode(one[0], model, stream=one[1])])


def _edits(kind: ProviderKind, model: str) -> Made:
    assert kind.images
    codec = kind.images({})
    for chance in map(Random, range(_EXAMPLES)):
        request = image.EditImagesRequest(prompt=chance.choice(_TEXTS), options=_look(chance))
        request.input_fidelity = chance.choice(("", "", "high"))
        for _ in range(chance.choice((1, 1, 2))):
            request.images.add(data=_PICTURE, mime_type="image/png")
        if chance.random() < 0.3:
            request.mask.data, request.mask.mime_type = _PICTURE, "image/png"
        yield from _tried(request, lambda one: [codec.encode(one, model, stream=False)])


def _look(chance: Random) -> image.ImageOptions:
    options = image.ImageOptions(
        size=chance.choice(("", "", "auto", "1024x1024", "1536x1024")),
        quality=chance.choice(("", "", "high", "low")),
        background=chance.choice(image.ImageBackground.values()),
        output_format=chance.choice(image.ImageFormat.values()),
        delivery=image.IMAGE_DELIVERY_BYTES,
        moderation=chance.choice(("", "", "low")),
        aspect_ratio=chance.choice(("", "", "", "1:1", "16:9")),
        negative_prompt=chance.choice(("", "", "dogs")),
    )
    more = (("n", (1, 2)), ("output_compression", (0, 80)), ("partial_images", (0, 2)), ("seed", (7, 2**40)))
    for name, values in more:
        if chance.random() < 0.15:
            setattr(options, name, chance.choice(values))
    return options


def _speech(kind: ProviderKind, model: str) -> Made:
    assert kind.speech
    codec = kind.speech({})
    for chance in map(Random, range(_EXAMPLES)):
        yield from _tried(generated_audio.speech(chance), lambda one: [codec.encode(one, model)])


def _dictation(kind: ProviderKind, model: str) -> Made:
    assert kind.transcription
    codec = kind.transcription({})
    for chance in map(Random, range(_EXAMPLES)):
        dictation = generated_audio.dictation(chance)
        if dictation.recording.pieces and not dictation.translate:
            yield from _tried(dictation, lambda one: [codec.encode(one, model)])


def _tried(asked: T, encode: Callable[[T], list[HttpRequest]]) -> Made:
    """What is sent, unless it is refused by a field of its own."""
    refused: HubError | None = None
    requests: list[HttpRequest] = []
    try:
        requests = encode(asked)
    except HubError as error:
        refused = error
    assert refused is None or refused.fields, refused
    for sent in requests:
        yield sent.headers["Content-Type"], sent.body or b"".join(sent.pieces)


@dataclass(frozen=True)
class Endpoint:
    """One of a provider's published document, and what fills it."""

    kind: str
    path: str
    model: str
    make: Callable[[ProviderKind, str], Made]
    content: str = _JSON


ENDPOINTS = [
    Endpoint("openai", "/embeddings", "text-embedding-3-small", _embeddings),
    Endpoint("mistral", "/v1/embeddings", "mistral-embed", _embeddings),
    Endpoint("mistral", "/v1/embeddings", "codestral-embed", _embeddings),
    Endpoint("openrouter", "/embeddings", "openai/text-embedding-3-small", _embeddings),
    Endpoint("together", "/embeddings", "BAAI/bge-large-en-v1.5", _embeddings),
    Endpoint("ollama", "/api/embed", "embeddinggemma", _embeddings),
    Endpoint("openai", "/images/generations", "gpt-image-1", _pictures),
    Endpoint("openai", "/images/generations", "dall-e-3", _pictures),
    Endpoint("openai", "/images/edits", "gpt-image-1", _edits, _FORM),
    Endpoint("openai", "/images/edits", "dall-e-2", _edits, _FORM),
    Endpoint("openrouter", "/images", "google/gemini-2.5-flash-image", _pictures),
    Endpoint("together", "/images/generations", "black-forest-labs/FLUX.1-schnell", _pictures),
    Endpoint("openai", "/audio/speech", "gpt-4o-mini-tts", _speech),
    Endpoint("openai", "/audio/speech", "tts-1", _speech),
    Endpoint("mistral", "/v1/audio/speech", "voxtral-mini-tts-2603", _speech),
    Endpoint("openrouter", "/audio/speech", "openai/gpt-4o-mini-tts", _speech),
    Endpoint("together", "/audio/speech", "canopylabs/orpheus-3b-0.1-ft", _speech),
    Endpoint("openai", "/audio/transcriptions", "gpt-4o-transcribe", _dictation, _FORM),
    Endpoint("openai", "/audio/transcriptions", "whisper-1", _dictation, _FORM),
    Endpoint("mistral", "/v1/audio/transcriptions", "voxtral-mini-latest", _dictation, _FORM),
    Endpoint("together", "/audio/transcriptions", "openai/whisper-large-v3", _dictation, _FORM),
]


@cache
def _document(kind: str) -> Any:
    path = SPECS / f"{kind}-openapi.yaml"
    if not path.is_file():
        pytest.skip("no published schema beside this project (../shared/specs)")
    return yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@cache
def _schemas(kind: str) -> dict[str, Any]:
    return {name: _loose(mended(schema)) for name, schema in _document(kind)["components"]["schemas"].items()}


def _loose(schema: Any) -> Any:
    """One of several is any of them, where formats would tell them apart: a file's bytes from its address."""
    if isinstance(schema, list):
        return [_loose(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {"anyOf" if name == "oneOf" else name: _loose(value) for name, value in schema.items()}


def _schema(endpoint: Endpoint) -> dict[str, Any]:
    content = _document(endpoint.kind)["paths"][endpoint.path]["post"]["requestBody"]["content"]
    schema: dict[str, Any] = _loose(mended(content[endpoint.content]["schema"]))
    return schema


def _validator(endpoint: Endpoint) -> jsonschema_rs.Draft202012Validator:
    schemas = reachable({**_schemas(endpoint.kind), _ROOT: _schema(endpoint)}, _ROOT)
    root = {"$ref": "#/components/schemas/Body", "components": {"schemas": schemas}}
    return jsonschema_rs.Draft202012Validator(root)


_ROOT = "Body"


def _properties(endpoint: Endpoint) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def gather(node: dict[str, Any]) -> None:
        if "$ref" in node:
            node = _schemas(endpoint.kind)[node["$ref"].rsplit("/", 1)[1]]
        found.update(node.get("properties", {}))
        for part in (*node.get("allOf", ()), *node.get("anyOf", ())):
            gather(part)

    gather(_schema(endpoint))
    return found


def _read(content_type: str, body: bytes, properties: dict[str, Any]) -> dict[str, Any]:
    """A body as the schema sees it: of a form, fields by the type that the schema gives them."""
    if content_type.startswith(_JSON):
        told: dict[str, Any] = json.loads(body)
        return told
    fields: dict[str, list[str]] = {}
    form = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    for part in form.iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        text = "bytes" if part.get_filename() else content.decode()
        fields.setdefault(str(part.get_param("name", header="content-disposition")), []).append(text)
    plain = {name.removesuffix("[]"): values for name, values in fields.items()}
    return {name: _typed(values, json.dumps(properties.get(name, {}))) for name, values in plain.items()}


def _typed(values: list[str], schema: str) -> Any:
    if '"array"' in schema:
        return values
    [value] = values
    plain = '"boolean"' in schema or '"number"' in schema or '"integer"' in schema
    return json.loads(value) if plain else value


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.kind}{one.path}-{one.model}")
def test_what_is_sent_is_valid(endpoint: Endpoint) -> None:
    forms = {content: (_validator(one), _properties(one)) for content, one in _ways(endpoint)}
    sent = 0
    for content_type, body in endpoint.make(PROVIDERS[endpoint.kind], endpoint.model):
        sent += 1
        validator, properties = forms[content_type.partition(";")[0]]
        told = _read(content_type, body, properties)
        problems = [f"{error.instance_path}: {error.message[:200]}" for error in validator.iter_errors(told)]
        assert problems == [], told
        assert told.keys() <= properties.keys()
    assert sent > _EXAMPLES / 30
    assert not any(validator.is_valid({}) for validator, _ in forms.values())


def _ways(endpoint: Endpoint) -> Iterator[tuple[str, Endpoint]]:
    """The endpoint by each content type that its document has; the one that is usual must be there."""
    contents = _document(endpoint.kind)["paths"][endpoint.path]["post"]["requestBody"]["content"]
    assert endpoint.content in contents
    return ((content, replace(endpoint, content=content)) for content in contents)


def test_together_speaks_a_language_whatever_its_region_or_none() -> None:
    make = PROVIDERS["together"].speech
    assert make
    told = {}
    for language in ("de-CH", "PT", "eng"):
        asked = CreateSpeechRequest(input="x", options=SpeechOptions(voice="v", language=language))
        sent = make({}).encode(asked, "m")
        told[language] = (json.loads(sent.body).get("language"), sent.adjusted_fields)
    assert told == {"de-CH": ("de", ()), "PT": ("pt", ()), "eng": (None, ("options.language",))}
