"""``chat`` and ``embeddings`` of Ollama's own API; readings and requests by its reference alone, https://docs.ollama.com/api.

They share no line with the hub.
"""

import struct
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from aignehub.v1 import chat_pb2, chat_service_pb2
from aignehub.v1 import embedding_service_pb2 as pb
from typing_extensions import override

from tests.wire import embeddings, normalise, reading
from tests.wire import request as chat
from tests.wire.bench import Bench, Outcome
from tests.wire.chat import ChatCompletions
from tests.wire.failures import failure_of, garbage
from tests.wire.hub import Instance
from tests.wire.messages import decoded
from tests.wire.neutral import Answer, Failure, ToolCall, Usage
from tests.wire.ollama_form import OLDER_PATH, spell
from tests.wire.recording import Json, Recording
from tests.wire.request import Built

_KIND = "ollama"
_ROLES = {
    "system": chat_pb2.ROLE_SYSTEM,
    "user": chat_pb2.ROLE_USER,
    "assistant": chat_pb2.ROLE_ASSISTANT,
    "tool": chat_pb2.ROLE_TOOL,
}


class OllamaChat(ChatCompletions):
    """The module of ``/api/chat``."""

    @override
    def kind(self, recording: Recording) -> str:
        """Its own; one recording is an answer of the compatible API, whose path its recorder guessed."""
        return "openai-compatible" if _is_compatible(recording) else _KIND

    @override
    def instance(self, recording: Recording, name: str, root: str) -> Instance:
        return Instance(name, self.kind(recording), root)

    @override
    def build(self, body: Mapping[str, Json], model: str, kind: str) -> Built:
        return build(body, model)

    @override
    def read(self, bench: Bench, recording: Recording) -> Answer:
        return reading.read(recording) if _is_compatible(recording) else read(recording)

    @override
    def spell(self, body: Json, used: Counter[str]) -> Json:
        return spell(body, used)


def _is_compatible(recording: Recording) -> bool:
    return b'"choices"' in recording.response_body


def read(recording: Recording) -> Answer:
    """What the recorded answer says, or how it fails."""
    if recording.status >= 300:
        return Answer(failure=failure_of(recording.status, recording.response_body))
    answer = Answer()
    for line in recording.response_body.splitlines():
        if line.strip():
            _line(answer, orjson.loads(line))
    choice = answer.choice(0)
    if answer.failure is None and choice.finish == "UNSPECIFIED":
        answer.failure = Failure("UNAVAILABLE")
    if choice.tool_calls and choice.finish == "STOP":
        choice.finish = "TOOL_CALLS"
    return answer


def _line(answer: Answer, line: Mapping[str, Any]) -> None:
    if line.get("error"):
        answer.failure = garbage()
        return
    answer.model = answer.model or line["model"]
    answer.created = answer.created or int(datetime.fromisoformat(line["created_at"]).timestamp())
    choice, message = answer.choice(0), line["message"]
    choice.text += message.get("content") or ""
    choice.reasoning += message.get("thinking") or ""
    for call in message.get("tool_calls") or ():
        told = orjson.dumps(call["function"]["arguments"]).decode()
        choice.tool_calls.append(ToolCall(call.get("id") or "", call["function"]["name"], told))
    if line["done"]:
        choice.native_finish = line.get("done_reason") or ""
        choice.finish = {"stop": "STOP", "length": "LENGTH", "": "STOP"}.get(choice.native_finish, "OTHER")
        read_, written = line["prompt_eval_count"], line["eval_count"]
        answer.usage = Usage(read_, written, read_ + written)


def build(body: Mapping[str, Json], model: str) -> Built:
    """The recorded request as one of the contract."""
    built = Built(chat_service_pb2.CreateChatCompletionRequest(model=model))
    request = built.request
    for place, told in enumerate(body["messages"]):
        built.unmapped += [f"messages[{place}].{path}" for path in _message(request, told)]
    for name, value in (body.get("options") or {}).items():
        write = chat.FIELDS.get({"num_predict": "max_tokens", "repeat_penalty": "repetition_penalty"}.get(name, name))
        built.unmapped += [f"options.{name}"] if write is None else write(request, value) or []
    built.unmapped += ["tools" + path for path in chat.FIELDS["tools"](request, body.get("tools") or []) or []]
    known = ("model", "stream", "messages", "options", "tools")
    built.unmapped += [name for name, value in body.items() if name not in known and value not in (None, "")]
    return built


def _message(request: chat_service_pb2.CreateChatCompletionRequest, told: Mapping[str, Any]) -> list[str]:
    message = request.messages.add(role=_ROLES[told["role"]])
    if told["content"] or not told.get("tool_calls"):
        message.content.add(text=told["content"])
    for image in told.get("images") or ():
        part = message.content.add().image.media
        part.data, part.mime_type = decoded(image), "image/png"
    for place, call in enumerate(told.get("tool_calls") or ()):
        # A client of the contract has an id for each call, if need be one that the hub made.
        made = message.tool_calls.add(id=call.get("id") or f"made_{place}")
        made.function.name = call["function"]["name"]
        made.function.arguments_json = orjson.dumps(call["function"]["arguments"]).decode()
    if told["role"] == "tool":
        message.tool_call_id = told.get("tool_call_id") or "made_0"
    known = ("role", "content", "images", "tool_calls", "tool_call_id")
    return [name for name in told if name not in known]


class OllamaEmbeddings:
    """The module of ``/api/embed``, and of the older path that takes one text under another name."""

    def serves(self, recording: Recording) -> bool:
        """Every one of the own API's."""
        return recording.path in embeddings.OLLAMAS_OWN

    def kind(self, recording: Recording) -> str:
        """Its own."""
        return _KIND

    def instance(self, recording: Recording, name: str, root: str) -> Instance:
        """The server at the replay's address."""
        return Instance(name, _KIND, root)

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The recorded text, or one that stands for it."""
        body = recording.request or {}
        told = orjson.loads(recording.response_body)
        vectors = told.get("embeddings") or [told["embedding"]]
        texts = [body["prompt"]] if "prompt" in body else ["a"] * len(vectors)
        model = body.get("model") or recording.model or told["model"]
        request = pb.CreateEmbeddingsRequest(
            model=f"{name}/{model}", inputs=[pb.EmbeddingInput(text=text) for text in texts]
        )
        got = await embeddings.called(bench, request)
        expected = embeddings.Reading(
            told.get("model") or model,
            [struct.pack(f"<{len(vector)}f", *vector) for vector in vectors],
            len(vectors[0]),
            told.get("prompt_eval_count"),
        )
        outcome = Outcome(recording, embeddings.compared(expected, got))
        [sent] = bench.server.requests(name)
        if body:
            outcome.encode = _older(body, sent.json(), sent.path, bench.used)
        elif sent.path != recording.path:
            outcome.decode.append(f"path: {sent.path}")
        return outcome


def _older(recorded: Mapping[str, Any], sent: Any, path: str, used: Counter[str]) -> list[str]:
    """A request to the older path, as the newer one has it."""
    used[OLDER_PATH] += 1
    spelled = {"model": recorded["model"], "input": [recorded["prompt"]]}
    left = normalise.explain(spelled, sent, normalise.Context(), used)
    return [one.where for one in left] + ([] if path == "/api/embed" else [f"path: {path}"])
