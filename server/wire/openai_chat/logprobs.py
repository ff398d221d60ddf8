"""Log probabilities in the chat form, and in the older one that Together and Fireworks keep."""

from collections.abc import Iterable

from aignehub.v1.chat_pb2 import Logprobs, TokenLogprob, TopLogprob

from server.wire import json_value as json
from server.wire.json_value import Json, Object


def read_logprobs(told: Json) -> Logprobs | None:
    """None where ``told`` holds none in a form that is known."""
    if not told:
        return None
    source = json.obj(told)
    content = [_token(item) for item in json.objects(source.get("content"))]
    refusal = [_token(item) for item in json.objects(source.get("refusal"))]
    if not content and not refusal:
        content = list(_older(source))
    return Logprobs(content=content, refusal=refusal) if content or refusal else None


def _token(item: Object) -> TokenLogprob:
    token = json.text(item.get("token"))
    entry = TokenLogprob(
        token=token,
        logprob=json.number(item.get("logprob")) or 0.0,
        token_bytes=_bytes(item.get("bytes"), token),
        top_logprobs=[_top(top) for top in json.objects(item.get("top_logprobs"))],
    )
    if (token_id := json.index(item.get("token_id"))) is not None:
        entry.token_id = token_id
    return entry


def _top(item: Object) -> TopLogprob:
    token = json.text(item.get("token"))
    entry = TopLogprob(
        token=token, logprob=json.number(item.get("logprob")) or 0.0, token_bytes=_bytes(item.get("bytes"), token)
    )
    if (token_id := json.index(item.get("token_id"))) is not None:
        entry.token_id = token_id
    return entry


def _bytes(told: Json, token: str) -> bytes:
    """The token's bytes where its text does not tell them already."""
    values = json.items(told)
    if not values or not all(type(value) is int and 0 <= value < 256 for value in values):
        return b""
    data = bytes(values)
    return b"" if data == token.encode() else data


def _older(source: Object) -> Iterable[TokenLogprob]:
    """Parallel arrays ``tokens``, ``token_logprobs``, ``token_ids``, ``top_logprobs`` (objects of token to number)."""
    numbers = json.items(source.get("token_logprobs"))
    ids = json.items(source.get("token_ids"))
    tops = json.items(source.get("top_logprobs"))
    for place, token in enumerate(json.items(source.get("tokens"))):
        number = json.number(numbers[place]) if place < len(numbers) else None
        entry = TokenLogprob(token=json.text(token), logprob=number or 0.0)
        if place < len(ids) and (token_id := json.index(ids[place])) is not None:
            entry.token_id = token_id
        for text, chance in json.obj(tops[place] if place < len(tops) else None).items():
            entry.top_logprobs.append(TopLogprob(token=text, logprob=json.number(chance) or 0.0))
        yield entry
