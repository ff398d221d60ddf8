"""``chat`` of Cohere, version 2.

Its first version (/v1/chat with one ``message`` and a history, NDJSON streams, /v1/generate) is legacy: another API,
which Cohere itself leads away from (docs.cohere.com/docs/migrating-v1-to-v2) and the hub does not speak.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from aignehub.v1 import chat_pb2

from tests.wire import compare, exceptions, normalise
from tests.wire.bench import Bench, Outcome
from tests.wire.chat import address, called, told
from tests.wire.cohere_reading import read
from tests.wire.hub import REPLAY_KEY, Instance
from tests.wire.messages import message_of
from tests.wire.neutral import Answer
from tests.wire.recording import Recording
from tests.wire.replay import Captured
from tests.wire.request import Built, build, minimal

KIND = "cohere"
_PATH = "/v2/chat"
_WORDS = {"p": "top_p", "k": "top_k", "stop_sequences": "stop"}
"""Names of parameters that mean what OpenAI's do."""


class CohereChat:
    """The module of this API."""

    def serves(self, recording: Recording) -> bool:
        """Version 2 alone."""
        return recording.path.partition("?")[0] == _PATH

    def kind(self, recording: Recording) -> str:
        """The provider's own."""
        return KIND

    def instance(self, recording: Recording, name: str, root: str) -> Instance:
        """Cohere at the replay's address."""
        base, proxy = address(recording.request, name, root)
        return Instance(name, KIND, base, proxy=proxy)

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The recorded request where there is one, else the least that asks for such an answer."""
        outcome = Outcome(recording)
        sent = bench.server.requests(name)
        if recording.request is None:
            got = await called(bench, minimal(f"{name}/{recording.model or 'model'}"), stream=recording.streaming)
        else:
            built = _build(recording.request, f"{name}/{recording.request['model']}")
            got = await called(bench, built.request, stream=recording.streaming)
            _judge(bench, outcome, built.unmapped, sent, got)
        outcome.decode = compare.differences(read(recording), got)
        if len(sent) != 1:
            outcome.decode.append(f"the provider was asked {len(sent)} times")
        return outcome


def _build(body: Mapping[str, Any], model: str) -> Built:
    """The recorded request as the contract's message, by what its fields mean."""
    plain = {_WORDS.get(name, name): value for name, value in body.items() if name not in ("messages", "documents")}
    shape = plain.get("response_format") or {}
    if shape.get("json_schema"):
        plain["response_format"] = {"type": "json_schema", "json_schema": {"schema": shape["json_schema"]}}
    built = build(plain, model, KIND)
    for place, fields in enumerate(body["messages"]):
        message, unmapped = _message(fields)
        built.request.messages.append(message)
        built.unmapped += [f"messages[{place}].{path}" for path in unmapped]
    for place, document in enumerate(body.get("documents") or ()):
        users = [message for message in built.request.messages if message.role == chat_pb2.ROLE_USER]
        built.unmapped += [f"documents[{place}].data.{name}" for name in _add_document(users[-1], document)]
    return built


def _message(fields: Mapping[str, Any]) -> tuple[chat_pb2.Message, list[str]]:
    plan = fields.get("tool_plan")
    content = fields.get("content")
    blocks = content if isinstance(content, list) else []
    documents = [block["document"] for block in blocks if block["type"] == "document"]
    # A thought is written as in other formats that have it in the content, where its text is in a list.
    others = [
        {"type": "thinking", "thinking": [{"text": block["thinking"]}]} if block["type"] == "thinking" else block
        for block in blocks
        if block["type"] != "document"
    ]
    told = {name: value for name, value in fields.items() if name != "tool_plan"}
    if isinstance(content, list):
        told["content"] = others
    message, unmapped = message_of(told, KIND)
    if plan:
        message.content.insert(
            0, chat_pb2.ContentPart(reasoning=chat_pb2.ReasoningPart(text=plan, provider=KIND, format="tool_plan"))
        )
    for place, document in enumerate(documents):
        unmapped += [f"content[{place}].document.data.{name}" for name in _add_document(message, document)]
    return message, unmapped


def _add_document(message: chat_pb2.Message, document: Mapping[str, Any]) -> list[str]:
    """What of its data the contract cannot say."""
    file = message.content.add().file
    data = dict(document["data"])
    file.media.data = data.pop("text").encode()
    file.media.mime_type = "text/plain"
    file.title = data.pop("title", "")
    return list(data)


def _judge(bench: Bench, outcome: Outcome, unmapped: list[str], sent: list[Captured], got: Answer) -> None:
    """Fills in everything about the request."""
    recording = outcome.recording
    if recording.id in exceptions.BY_ID:
        outcome.exceptions.append(exceptions.BY_ID[recording.id])
    outcome.encode = []
    for path in unmapped:
        if reason := exceptions.unsayable(KIND, path):
            outcome.exceptions.append(f"{path}: {reason}")
        else:
            outcome.encode.append(f"{path}: the contract has no field for it, and exceptions.py does not argue why")
    if not sent:
        outcome.encode.append(f"the hub sent nothing: {got.failure}")
        return
    request = sent[0]
    context = normalise.Context(elided=recording.media_elided > 0)
    left = normalise.explain(recording.request, orjson.loads(request.body), context, bench.used)
    outcome.encode += [told(difference) for difference in left if not outcome.exceptions]
    if (request.method, request.path) != ("POST", _PATH):
        outcome.encode.append(f"path: recorded POST {recording.path}, sent {request.method} {request.path}")
    headers = {name.lower(): value for name, value in request.headers.items()}
    if headers.get("authorization") != f"Bearer {REPLAY_KEY}" or headers.get("content-type") != "application/json":
        outcome.encode.append("headers: the credential or the content type is not as it should be")
