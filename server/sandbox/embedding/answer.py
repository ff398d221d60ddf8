"""The vectors of a request as OpenAI's JSON.

https://platform.openai.com/docs/api-reference/embeddings/object
"""

import sys
from array import array
from base64 import b64encode
from typing import Any

import orjson

from server.sandbox import tokens
from server.sandbox.embedding.request import EmbeddingRequest
from server.sandbox.embedding.vectors import vector


def embeddings(request: EmbeddingRequest) -> bytes:
    """The whole answer, every token of the inputs counted."""
    read = sum(tokens.count(one) if isinstance(one, str) else len(one) for one in request.inputs)
    return orjson.dumps(
        {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": index,
                    "embedding": _written(vector(one, request.dimensions), request),
                }
                for index, one in enumerate(request.inputs)
            ],
            "model": request.model,
            "usage": {"prompt_tokens": read, "total_tokens": read},
        }
    )


def _written(numbers: "array[float]", request: EmbeddingRequest) -> Any:
    if not request.base64:
        return numbers.tolist()
    if sys.byteorder == "big":
        numbers.byteswap()
    return b64encode(numbers.tobytes()).decode()
