"""Ollama's own API: https://docs.ollama.com/api/chat; thinking and tools are told below /capabilities there."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import (
    KEY,
    Dialect,
    NotTaken,
    Otherwise,
    Reader,
    Refused,
    Reply,
    Request,
    StreamReply,
    dump,
)
from tests.conversations.dialects.openai_chat import in_pieces
from tests.conversations.dialects.openai_hosts.differences import NO_BREAKPOINT, NO_FILES, NO_TOOL_ERROR
from tests.conversations.neutral import (
    Chance,
    Choice,
    Heard,
    Image,
    Reasoning,
    Script,
    Thought,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
    Usage,
    rounds,
)

_MOMENT = "2025-08-21T13:52:11.724677065Z"


@dataclass(frozen=True)
class Ollama(Dialect):
    """The server; ``ids`` are what releases of 2025-11 and later give their calls."""

    ids: bool = True

    # What is heard

    @override
    def hear(self, request: Request) -> Heard:
        if (request.method, request.path) != ("POST", "/api/chat"):
            raise NotTaken(f"there is no {request.method} {request.path}")
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise NotTaken("no credential")
        body = Reader(request.json)
        system, turns = self._messages(body.need("messages", list))
        options = Reader(body.take("options", dict, {}), "options")
        heard = Heard(
            model=body.need("model", str),
            # A stream is what comes where nothing is said.
            stream=body.take("stream", bool, True),
            system=system,
            turns=turns,
            tools=tuple(_tool(Reader(tool, "tools")) for tool in body.take("tools", list, [])),
            reasoning=_reasoning(body.take("think", (bool, str))),
            stop=tuple(options.take("stop", list, [])),
            max_tokens=options.take("num_predict", int),
            logprobs=_logprobs(body),
        )
        if (shape := body.take("format", (str, dict))) is not None:
            heard = replace(heard, json_only=True, schema=shape if isinstance(shape, dict) else None)
        options.end()
        body.end()
        return heard

    def _messages(self, messages: list[Any]) -> tuple[tuple[str, ...], tuple[Turn, ...]]:
        system: list[str] = []
        turns: list[Turn] = []
        for place, told in enumerate(messages):
            message = Reader(told, f"messages[{place}]")
            role, content = message.need("role", str), message.need("content", str)
            texts = (content,) if content else ()
            match role:
                case "system":
                    system.append(content)
                case "user":
                    images = tuple(
                        Image(base64.b64decode(image, validate=True), "image/png")
                        for image in message.take("images", list, [])
                    )
                    turns.append(Turn("user", texts, images=images))
                case "assistant":
                    thinking = message.take("thinking", str)
                    thoughts = (Thought(thinking),) if thinking else ()
                    calls = tuple(_call(Reader(call, "tool_calls")) for call in message.take("tool_calls", list, []))
                    turns.append(Turn("assistant", texts, thoughts=thoughts, calls=calls))
                case "tool":
                    call_id, name = message.need("tool_call_id", str), message.need("tool_name", str)
                    turns.append(Turn("tool", results=(ToolResult(call_id, content, name=name),)))
                case _:
                    raise NotTaken(f"messages[{place}].role is {role!r}")
            message.end()
        return tuple(system), rounds(turns)

    # What is told

    @override
    def tells(self, script: Script) -> Script:
        usage = script.usage and Usage(script.usage.input, script.usage.output, cached=script.usage.cached)
        return replace(script, id="", usage=usage, choices=tuple(self._tells(choice) for choice in script.choices))

    def _tells(self, choice: Choice) -> Choice:
        """Thoughts without proof, no refusals, and no word on which stop sequence was hit."""
        thoughts = tuple(Thought(thought.text) for thought in choice.thoughts)
        calls = choice.calls if self.ids else tuple(replace(call, id="") for call in choice.calls)
        finish = "stop" if choice.finish == "content_filter" else choice.finish
        text = choice.text or choice.refusal
        return replace(choice, text=text, refusal="", thoughts=thoughts, calls=calls, stop_sequence="", finish=finish)

    @override
    def answer(self, script: Script, heard: Heard) -> Reply:
        [choice] = script.choices
        message: dict[str, Any] = {"role": "assistant", "content": choice.text}
        if choice.thoughts:
            message["thinking"] = "".join(thought.text for thought in choice.thoughts)
        if choice.calls:
            message["tool_calls"] = [_told_call(place, call) for place, call in enumerate(choice.calls)]
        told = {**self._line(script, heard, message), **_end(script)}
        if choice.logprobs:
            told["logprobs"] = [_chance(chance) for chance in choice.logprobs]
        return Reply({"Content-Type": "application/json; charset=utf-8"}, dump(told))

    @override
    def stream(self, script: Script, heard: Heard) -> StreamReply:
        pieces = [dump(line) + b"\n" for line in self._lines(script, heard)]
        return StreamReply({"Content-Type": "application/x-ndjson"}, pieces)

    def _lines(self, script: Script, heard: Heard) -> Iterator[dict[str, Any]]:
        [choice] = script.choices
        for thought in choice.thoughts:
            for piece in in_pieces(thought.text):
                yield self._line(script, heard, {"role": "assistant", "content": "", "thinking": piece})
        for chance in choice.logprobs:
            line = self._line(script, heard, {"role": "assistant", "content": chance.token})
            yield {**line, "logprobs": [_chance(chance)]}
        for piece in in_pieces(choice.text) if not choice.logprobs else ():
            yield self._line(script, heard, {"role": "assistant", "content": piece})
        for place, call in enumerate(choice.calls):
            told = {"role": "assistant", "content": "", "tool_calls": [_told_call(place, call)]}
            yield self._line(script, heard, told)
        yield {**self._line(script, heard, {"role": "assistant", "content": ""}), **_end(script)}

    def _line(self, script: Script, heard: Heard, message: dict[str, Any]) -> dict[str, Any]:
        return {"model": script.model or heard.model, "created_at": _MOMENT, "message": message, "done": False}

    @override
    def refuse(self, why: str) -> Reply:
        return Reply({"Content-Type": "application/json"}, dump({"error": why}), 400)


def _end(script: Script) -> dict[str, Any]:
    [choice] = script.choices
    told: dict[str, Any] = {
        "done": True,
        "done_reason": "length" if choice.finish == "length" else "stop",
        "total_duration": 1735248334,
        "load_duration": 139246000,
    }
    if usage := script.usage:
        told |= {"prompt_eval_count": usage.input, "eval_count": usage.output}
        told |= {"prompt_eval_cached_count": usage.cached} if usage.cached else {}
    return told


def _told_call(place: int, call: ToolCall) -> dict[str, Any]:
    told: dict[str, Any] = {"function": {"name": call.name, "arguments": call.arguments}}
    if not call.id:
        return told
    told["function"]["index"] = place
    return {"id": call.id, **told}


def _call(call: Reader) -> ToolCall:
    function = Reader(call.need("function", dict), "tool_calls.function")
    read = ToolCall(call.need("id", str), function.need("name", str), function.need("arguments", dict))
    function.end()
    call.end()
    return read


def _tool(tool: Reader) -> Tool:
    tool.want("type", "function")
    function = Reader(tool.need("function", dict), "tools.function")
    read = Tool(function.need("name", str), function.take("description", str, ""), function.need("parameters", dict))
    function.end()
    tool.end()
    return read


def _reasoning(think: bool | str | None) -> Reasoning | None:
    if think is None:
        return None
    return Reasoning(on=think, text=None) if isinstance(think, bool) else Reasoning(effort=think)


def _logprobs(body: Reader) -> int | None:
    wanted, most = body.take("logprobs", bool, False), body.take("top_logprobs", int, 0)
    return most if wanted else None


def _chance(one: Chance) -> dict[str, Any]:
    tops = [{"token": token, "logprob": value, "bytes": list(token.encode())} for token, value in one.alternatives]
    return {"token": one.token, "logprob": one.logprob, "bytes": list(one.token.encode()), "top_logprobs": tops}


def _switched(heard: Heard) -> Heard:
    """A level of reasoning is on, where there are none."""
    return replace(heard, reasoning=Reasoning(on=True))


_OTHERWISE = {
    **NO_TOOL_ERROR,
    **NO_BREAKPOINT,
    **NO_FILES,
    "vision by URL": Otherwise(
        # Fetched by the hub, which finds no such address here.
        refused=Refused("messages[0].content[1].image.media.url", "INVALID_ARGUMENT", "URL_NOT_ALLOWED")
    ),
    "forced tool": Otherwise(refused=Refused("tool_choice.function_name")),
    "n": Otherwise(refused=Refused("n")),
    "reasoning": Otherwise(adjusted=("reasoning.effort",), heard=_switched),
    "reasoning replayed": Otherwise(adjusted=("reasoning.effort",), heard=_switched),
}

OLLAMA = Ollama(kind="ollama", otherwise=_OTHERWISE)
OLLAMA_OLD = replace(
    # Before 2025-11 calls had no ids; an address with the /v1 of its compatible API is what was configured then.
    OLLAMA,
    instance="ollama-old",
    base_path="/v1",
    ids=False,
)

DIALECTS: tuple[Dialect, ...] = (OLLAMA, OLLAMA_OLD)
