"""A recorded request of the Responses API as the contract's message: the harness's own mapping, by what is meant.

What this API alone has, and the contract leaves to a caller's ``gateway.extra_body_json``, is given there: ``_BESIDE``.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from aignehub.v1 import chat_pb2, chat_service_pb2

from tests.wire import request as chat
from tests.wire.messages import decoded
from tests.wire.recording import Json
from tests.wire.request import Built

_Request = chat_service_pb2.CreateChatCompletionRequest
_Object = Mapping[str, Any]

_ROLES = {
    "system": chat_pb2.ROLE_SYSTEM,
    "developer": chat_pb2.ROLE_DEVELOPER,
    "user": chat_pb2.ROLE_USER,
    "assistant": chat_pb2.ROLE_ASSISTANT,
}
_KEEPS_NOTHING = ("deepseek", "openrouter")
_BESIDE: Mapping[str, frozenset[str]] = {
    # https://platform.openai.com/docs/api-reference/responses/create: what of earlier thoughts the model sees, the
    # older name of summary, and what happens to a conversation that is too long.
    "reasoning": frozenset({"context", "generate_summary"}),
    "truncation": frozenset(),
}
"""Fields by the top-level key they stand in; all of it where none is named."""
_MORE = frozenset(
    {
        "code_interpreter_call.outputs",
        "computer_call_output.output.image_url",
        "file_search_call.results",
        "message.input_image.image_url",
        "web_search_call.action.sources",
        "web_search_call.results",
    }
)
"""Parts of answers that the same reference has, of tools that run there."""


def build(body: Mapping[str, Json], model: str, kind: str) -> Built:
    """``model`` is the hub's name of it, ``kind`` the provider it is replayed as."""
    built = Built(_Request(model=model))
    request = built.request
    if body.get("instructions"):
        request.messages.add(role=chat_pb2.ROLE_SYSTEM).content.add(text=body["instructions"])
    told = body.get("input")
    if isinstance(told, str):
        request.messages.add(role=chat_pb2.ROLE_USER).content.add(text=told)
    else:
        writer = _Conversation(request, kind)
        for place, item in enumerate(told or ()):
            built.unmapped += [f"input[{place}]{path}" for path in writer.item(item)]
    beside = _beside(body)
    for name, value in body.items():
        if value is None or name in ("model", "stream", "input", "instructions", "include", "truncation"):
            continue
        write = _FIELDS.get(name)
        built.unmapped += [name] if write is None else [name + path for path in write(request, value)]
    _include(built, body.get("include") or [], beside)
    chat.put_beside(request, beside)
    if "store" not in body and kind not in _KEEPS_NOTHING:
        # The API stores what says nothing of it; the hub's caller has to say so.
        request.store = True
    return built


def _beside(body: _Object) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, names in _BESIDE.items():
        told = body.get(key)
        if names and told:
            told = {name: value for name, value in told.items() if name in names and value is not None}
        if told:
            found[key] = told
    return found


def _include(built: Built, wanted: list[str], beside: dict[str, Any]) -> None:
    # Said either way: a client that did not ask for encrypted reasoning got none.
    built.request.reasoning.include_signature = "reasoning.encrypted_content" in wanted
    for name in wanted:
        if name == "message.output_text.logprobs":
            built.request.logprobs = True
        elif name in _MORE:
            beside.setdefault("include", []).append(name)
        elif name != "reasoning.encrypted_content":
            built.unmapped.append(f"include.{name}")


class _Conversation:
    """Puts items together to messages: what an assistant did in a row is one of its messages."""

    def __init__(self, request: _Request, kind: str) -> None:
        self._request = request
        self._kind = kind
        self._spoken = False

    def item(self, item: _Object) -> list[str]:
        """The paths below the item that no message can say."""
        kind = item.get("type", "message")
        if kind == "message" and item["role"] != "assistant":
            return _said(self._request.messages.add(role=_ROLES[item["role"]]), item)
        if kind in ("function_call_output", "custom_tool_call_output"):
            message = self._request.messages.add(role=chat_pb2.ROLE_TOOL, tool_call_id=item["call_id"])
            return _content(message, item["output"], "output")
        write = getattr(self, f"_{kind}", self._block)
        unmapped: list[str] = write(item)
        return unmapped

    def _turn(self, *, speaks: bool = False) -> chat_pb2.Message:
        messages = self._request.messages
        if not messages or messages[-1].role != chat_pb2.ROLE_ASSISTANT or (speaks and self._spoken):
            messages.add(role=chat_pb2.ROLE_ASSISTANT)
            self._spoken = False
        self._spoken = self._spoken or speaks
        return messages[-1]

    def _message(self, item: _Object) -> list[str]:
        message = self._turn(speaks=True)
        message.phase = item.get("phase") or ""
        content = item["content"]
        if isinstance(content, str):
            message.content.add(text=content)
            return []
        for part in content:
            if part["type"] == "refusal":
                message.refusal = part["refusal"]
            else:
                message.content.add(text=part["text"])
        return []

    def _reasoning(self, item: _Object) -> list[str]:
        message = self._turn()
        pieces = [(part["type"], part["text"]) for part in (item.get("content") or []) + (item.get("summary") or [])]
        for form, text in pieces or [("", "")]:
            part = message.content.add().reasoning
            part.text, part.format, part.id, part.provider = text, form, item.get("id") or "", self._kind
        part.signature = (item.get("encrypted_content") or "").encode()
        return []

    def _function_call(self, item: _Object) -> list[str]:
        message = self._turn()
        call = message.tool_calls.add(id=item["call_id"], part_index=len(message.content))
        call.function.name, call.function.arguments_json = item["name"], item["arguments"]
        call.signature = (item.get("id") or "").encode()
        return []

    def _block(self, item: _Object) -> list[str]:
        block = self._turn().content.add().provider
        block.provider, block.type, block.id = self._kind, item["type"], item.get("id") or ""
        block.json = orjson.dumps(item).decode()
        return []


def _said(message: chat_pb2.Message, item: _Object) -> list[str]:
    return _content(message, item["content"], "content")


def _content(message: chat_pb2.Message, content: Any, name: str) -> list[str]:
    if isinstance(content, str):
        message.content.add(text=content)
        return []
    unmapped = []
    for place, told in enumerate(content):
        unmapped += [f".{name}[{place}]{path}" for path in _part(message.content.add(), told)]
    return unmapped


def _part(part: chat_pb2.ContentPart, told: _Object) -> list[str]:
    match told["type"]:
        case "input_text":
            part.text = told["text"]
        case "input_image":
            _media(part.image.media, told.get("image_url") or "", told.get("file_id"))
            if told.get("detail"):
                part.image.detail = chat_pb2.ImageDetail.Value(f"IMAGE_DETAIL_{told['detail'].upper()}")
        case "input_file":
            _media(part.file.media, told.get("file_data") or told.get("file_url") or "", told.get("file_id"))
            part.file.media.filename = told.get("filename") or ""
        case _:
            return [""]
    return []


def _media(media: Any, address: str, file_id: str | None) -> None:
    if file_id:
        media.file_id = file_id
    elif address.startswith("data:"):
        head, _, data = address.partition(",")
        media.mime_type = head.removeprefix("data:").partition(";")[0]
        media.data = decoded(data)
    else:
        media.url = address


_Write = Callable[[_Request, Any], list[str]]


def _limit(request: _Request, value: Any) -> list[str]:
    request.max_completion_tokens = value
    return []


def _text(request: _Request, value: _Object) -> list[str]:
    if value.get("verbosity"):
        request.verbosity = chat_service_pb2.Verbosity.Value(f"VERBOSITY_{value['verbosity'].upper()}")
    shape = value.get("format")
    if not shape:
        return []
    nested = {"type": shape["type"], "json_schema": {name: told for name, told in shape.items() if name != "type"}}
    return [f".format{path}" for path in _from_chat("response_format")(request, nested)]


def _reasoning(request: _Request, value: _Object) -> list[str]:
    unmapped = []
    for name, told in value.items():
        if told is None:
            continue
        if name == "effort":
            request.reasoning.effort = chat_pb2.ReasoningEffort.Value(f"REASONING_EFFORT_{told.upper()}")
        elif name == "summary":
            request.reasoning.summary = told
        elif name not in _BESIDE["reasoning"]:
            unmapped.append(f".{name}")
    return unmapped


def _tools(request: _Request, value: list[_Object]) -> list[str]:
    unmapped = []
    for place, told in enumerate(value):
        fields = {name: field for name, field in told.items() if name not in ("type", "defer_loading")}
        nested = {"type": told["type"], told["type"]: fields} if told["type"] in ("function", "custom") else told
        unmapped += [f"[{place}]{path}" for path in _from_chat("tools")(request, [nested])]
        if told.get("defer_loading") is not None:
            request.tools[-1].defer_loading = told["defer_loading"]
        if told["type"] == "function" and told.get("strict") is None:
            # Strict is what a function is here that says nothing of it.
            request.tools[-1].function.strict = True
    return unmapped


def _tool_choice(request: _Request, value: Any) -> list[str]:
    if isinstance(value, str):
        return _from_chat("tool_choice")(request, value)
    if value.get("type") not in ("function", "custom"):
        return [""]
    return _from_chat("tool_choice")(request, {"type": value["type"], value["type"]: {"name": value["name"]}})


def _from_chat(name: str) -> _Write:
    """Fields that mean in this API what they mean in chat completions."""

    def write(request: _Request, value: Any) -> list[str]:
        return chat.FIELDS[name](request, value) or []

    return write


_FIELDS: dict[str, _Write] = {
    "max_output_tokens": _limit,
    "text": _text,
    "reasoning": _reasoning,
    "tools": _tools,
    "tool_choice": _tool_choice,
    **{
        name: _from_chat(name)
        for name in (
            *("temperature", "top_p", "top_logprobs", "parallel_tool_calls", "store", "user", "service_tier"),
            *("safety_identifier", "prompt_cache_key", "prompt_cache_retention", "metadata", "moderation"),
        )
    },
}
