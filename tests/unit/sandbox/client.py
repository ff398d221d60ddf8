"""A plain HTTP client of the sandbox, and what a streamed answer comes to when put together."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

LIMIT = 10.0  # seconds any one exchange may take


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def choice(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body["choices"][0]
        return found

    @property
    def text(self) -> str:
        found: str = self.choice["message"]["content"]
        return found


@dataclass
class Streamed:
    """``events`` as they came, [DONE] left out; ``done`` says whether it came."""

    events: list[dict[str, Any]] = field(default_factory=list)
    done: bool = False

    def deltas(self, index: int = 0) -> list[dict[str, Any]]:
        return [choice["delta"] for event in self.events for choice in event["choices"] if choice["index"] == index]

    def assembled(self) -> dict[str, Any]:
        """The stream as the unary answer it should equal."""
        head = {name: self.events[0][name] for name in ("id", "created", "model", "system_fingerprint", "service_tier")}
        count = 1 + max(choice["index"] for event in self.events for choice in event["choices"])
        return head | {
            "object": "chat.completion",
            "choices": [self._choice(index) for index in range(count)],
            "usage": self.events[-1]["usage"],
        }

    def _choice(self, index: int) -> dict[str, Any]:
        chunks = [choice for event in self.events for choice in event["choices"] if choice["index"] == index]
        message: dict[str, Any] = {"role": None, "content": None, "refusal": None}
        for chunk in chunks:
            _add(message, chunk["delta"])
        finishes = [chunk["finish_reason"] for chunk in chunks if chunk["finish_reason"]]
        assert len(finishes) == 1
        return {
            "index": index,
            "message": message,
            "logprobs": _joined([chunk["logprobs"] for chunk in chunks if chunk["logprobs"]]),
            "finish_reason": finishes[0],
        }


def _add(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for name, value in delta.items():
        if name == "tool_calls":
            _add_calls(message.setdefault("tool_calls", []), value)
        elif isinstance(value, str) and isinstance(message.get(name), str):
            message[name] += value
        else:
            message[name] = value


def _add_calls(calls: list[dict[str, Any]], pieces: list[dict[str, Any]]) -> None:
    for piece in pieces:
        if piece["index"] == len(calls):
            calls.append({name: value for name, value in piece.items() if name != "index"})
            continue
        kind = "custom" if "custom" in piece else "function"
        for name, text in piece[kind].items():
            calls[piece["index"]][kind][name] += text


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any] | None:
    return {"content": [token for part in parts for token in part["content"]], "refusal": None} if parts else None


class Client:
    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self.session = session
        self.base = base

    def body(self, model: str, text: object = "Hello, big world!", /, **more: Any) -> dict[str, Any]:
        return {"model": model, "messages": [{"role": "user", "content": text}]} | more

    async def chat(self, model: str, text: object = "Hello, big world!", /, **more: Any) -> Reply:
        """A unary exchange; whatever its status."""
        return await self.post(orjson.dumps(self.body(model, text, **more)))

    async def post(self, raw: bytes, path: str = "/chat/completions") -> Reply:
        async with asyncio.timeout(LIMIT), self.session.post(self.base + path, data=raw) as response:
            return Reply(response.status, dict(response.headers), orjson.loads(await response.read()))

    async def get(self, path: str) -> Reply:
        async with asyncio.timeout(LIMIT), self.session.get(self.base + path) as response:
            return Reply(response.status, dict(response.headers), orjson.loads(await response.read()))

    async def stream(self, model: str, text: object = "Hello, big world!", /, **more: Any) -> Streamed:
        """A streamed exchange that must begin with 200; a broken one raises aiohttp's error."""
        streamed = Streamed()
        await self.stream_into(streamed, model, text, **{"stream_options": {"include_usage": True}} | more)
        return streamed

    async def stream_into(self, streamed: Streamed, model: str, text: object = "Hello", /, **more: Any) -> None:
        body = self.body(model, text, stream=True, **more)
        async with asyncio.timeout(LIMIT), self.session.post(self.base + "/chat/completions", json=body) as response:
            assert response.status == 200
            assert response.content_type == "text/event-stream"
            async for line in response.content:
                if not line.strip():
                    continue
                assert not streamed.done, "nothing may follow [DONE]"
                assert line.startswith(b"data: ")
                if line == b"data: [DONE]\n":
                    streamed.done = True
                else:
                    streamed.events.append(orjson.loads(line[6:]))

    async def both(self, model: str, text: object = "Hello, big world!", /, **more: Any) -> Reply:
        """The unary answer, once it is sure that the stream comes to exactly the same."""
        unary = await self.chat(model, text, **more)
        assert unary.status == 200, unary.body
        streamed = await self.stream(model, text, **more)
        assert streamed.done
        assert streamed.assembled() == unary.body
        return unary
