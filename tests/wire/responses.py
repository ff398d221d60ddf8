"""``responses`` of every host that speaks OpenAI's Responses API."""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import orjson
from typing_extensions import override

from tests.wire import reading
from tests.wire.bench import Bench
from tests.wire.chat import ChatCompletions, address
from tests.wire.hub import Instance
from tests.wire.neutral import Answer
from tests.wire.recording import Json, Recording
from tests.wire.request import Built
from tests.wire.responses_form import spell
from tests.wire.responses_reading import read
from tests.wire.responses_request import build
from tests.wire.spec import request_validator

KINDS = frozenset({"openai", "azure", "xai", "deepseek", "openrouter"})
_SUFFIX = "/responses"


class Responses(ChatCompletions):
    """The module of this API."""

    @override
    def kind(self, recording: Recording) -> str:
        """The provider's own where the hub has it and asks that model so."""
        if recording.path.startswith("/openai/") and recording.provider == "bedrock_mantle":
            return "bedrock-mantle"
        return recording.provider if recording.provider in KINDS else "openai-compatible"

    @override
    def instance(self, recording: Recording, name: str, root: str) -> Instance:
        """A provider that is asked by responses; by chat completions where that is what the recording holds."""
        kind = self.kind(recording)
        root, proxy = address(recording.request, name, root)
        if kind == "bedrock-mantle":
            return Instance(name, kind, root, (("region", "us-east-1"),), proxy=proxy)
        path, _, query = recording.path.partition("?")
        version = dict(parse_qsl(query)).get("api-version")
        options: list[tuple[str, str]] = [("api", "chat" if _is_chat(recording) else "responses")]
        if version:
            options.append(("api_version", version))
        return Instance(name, kind, root + path.removesuffix(_SUFFIX), tuple(options), proxy=proxy)

    @override
    def build(self, body: Mapping[str, Json], model: str, kind: str) -> Built:
        return build(body, model, kind)

    @override
    def read(self, bench: Bench, recording: Recording) -> Answer:
        return reading.read(recording) if _is_chat(recording) else read(recording)

    @override
    def spell(self, body: Json, used: Counter[str]) -> Json:
        return spell(body, used)

    @override
    def validate(self, bench: Bench, body: Json) -> list[str] | None:
        return None if bench.validate is None else _validator()(as_the_schema_has_it(body))


def _is_chat(recording: Recording) -> bool:
    """Some of xAI's recordings are answers of chat completions: their recorder kept no path, and guessed it."""
    return b'"choices"' in recording.response_body and b'"output"' not in recording.response_body


@cache
def _validator() -> Any:
    from tests.wire.run import SPEC

    return request_validator(SPEC, "CreateResponse")


def as_the_schema_has_it(body: Json) -> Json:
    """What the schema says is required and the API does without, as other clients' recordings show, is put in."""
    body = orjson.loads(orjson.dumps(body))
    for place, item in enumerate(body.get("input") or ()):
        if item.get("type") == "reasoning":
            item.setdefault("id", f"rs_{place}")
        if item.get("role") == "assistant" and isinstance(item["content"], list):
            item.update({"type": "message", "id": f"msg_{place}", "status": "completed"})
            for part in item["content"]:
                if part["type"] == "output_text":
                    part.update({"annotations": [], "logprobs": []})
    return body
