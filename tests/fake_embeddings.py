"""Embeddings of a provider for tests: vectors that tell which input they are of."""

import asyncio
import json
import struct
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any

from aignehub.v1 import embedding_service_pb2 as pb
from aiohttp import web

from tests.fake_provider import Answer

DIMENSIONS = 4


def vector_of(one: Any, dimensions: int = DIMENSIONS) -> list[float]:
    """Numbers that single floats hold exactly, made of a text's length or of token ids."""
    seed = float(len(one)) if isinstance(one, str) else float(sum(one)) if isinstance(one, list) else 0.5
    return [seed + place / 4 for place in range(dimensions)]


def body_of(inputs: Sequence[Any], *, base64: bool = True, dimensions: int = DIMENSIONS) -> dict[str, Any]:
    """A whole answer in OpenAI's form; 10 tokens each."""

    def written(one: Any) -> Any:
        vector = vector_of(one, dimensions)
        return b64encode(struct.pack(f"<{dimensions}f", *vector)).decode() if base64 else vector

    data = [{"object": "embedding", "index": place, "embedding": written(one)} for place, one in enumerate(inputs)]
    tokens = 10 * len(inputs)
    return {
        "object": "list",
        "data": data,
        "model": "embedder-1",
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def embeds(change: Callable[[dict[str, Any], dict[str, Any]], Any] | None = None, *, pause: float = 0.0) -> Answer:
    """Answers as asked; ``change`` sees the request and the answer, and may change the latter."""

    async def answer(request: web.Request) -> web.Response:
        asked = json.loads(await request.read())
        body = body_of(
            asked["input"],
            base64=asked.get("encoding_format") == "base64",
            dimensions=asked.get("dimensions", DIMENSIONS),
        )
        if pause:
            await asyncio.sleep(pause)
        if change is not None:
            changed = change(asked, body)
            if isinstance(changed, web.Response):
                return changed
        return web.json_response(body)

    return answer


def ask(*texts: str, model: str = "openai/embedder", **more: Any) -> pb.CreateEmbeddingsRequest:
    """A request for texts."""
    return pb.CreateEmbeddingsRequest(model=model, inputs=[pb.EmbeddingInput(text=text) for text in texts], **more)


def floats(one: pb.Embedding) -> list[float]:
    """The vector of an embedding that is packed floats."""
    return list(struct.unpack(f"<{len(one.packed) // 4}f", one.packed))
