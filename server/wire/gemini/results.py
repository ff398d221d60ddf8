"""What a tool came to, as the format has it.

https://ai.google.dev/gemini-api/docs/function-calling and .../function-calling#multimodal
"""

from typing import Any

import orjson
from aignehub.v1.chat_pb2 import Message

from server.wire.gemini.draft import Draft
from server.wire.gemini.parts import encode_part
from server.wire.gemini.thinking import signs_calls


def encode_result(message: Message, name: str, path: str, draft: Draft, into: list[Any]) -> None:
    """Adds the message's ``functionResponse`` to the parts of a turn, and what media it holds.

    A text that is a JSON object is the response; any other is its ``output``, or where the tool failed its ``error``.
    """
    texts: list[str] = []
    media: list[Any] = []
    for place, part in enumerate(message.content):
        where = f"{path}.content[{place}]"
        encoded = encode_part(part, where, draft)
        if part.WhichOneof("part") == "text":
            texts.append(part.text)
        elif encoded is not None:
            media.append(encoded)
        if part.signature and isinstance(encoded, dict) and encoded.pop("thoughtSignature", None):
            draft.notes.drop(f"{where}.signature", "the provider takes no signature of a result")
    response: dict[str, Any] = {"id": message.tool_call_id, "name": name}
    response["response"] = _response(texts, failed=message.tool_error)
    # Gemini 3 takes media inside the response, the models before it beside the response only.
    inside = signs_calls(draft.model)
    if media and inside:
        response["parts"] = media
    results = sum("functionResponse" in part for part in into)
    into.insert(results, {"functionResponse": response})
    if media and not inside:
        into.extend(media)


def _response(texts: list[str], *, failed: bool) -> Any:
    if failed:
        return {"error": "\n".join(texts)}
    if len(texts) == 1 and (told := _object(texts[0])) is not None:
        return told
    return {"output": texts[0] if len(texts) == 1 else texts}


def _object(text: str) -> orjson.Fragment | None:
    """The text as it is where it is a JSON object."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return orjson.Fragment(text) if isinstance(orjson.loads(text), dict) else None
    except ValueError:
        return None
