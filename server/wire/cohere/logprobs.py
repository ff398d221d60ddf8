"""Log probabilities: pieces of text with the ids and chances of the tokens they are made of."""

from collections.abc import Iterator

from aignehub.v1.chat_pb2 import Logprobs, TokenLogprob

from server.wire import json_value as json
from server.wire.json_value import Json


def read_logprobs(told: Json) -> Logprobs | None:
    """None where there are none. The text of a piece stands with the first of its tokens."""
    content = [one for item in json.objects(told) for one in _tokens(item)]
    return Logprobs(content=content) if content else None


def _tokens(item: json.Object) -> Iterator[TokenLogprob]:
    text = json.text(item.get("text"))
    ids = json.items(item.get("token_ids"))
    for place, chance in enumerate(json.items(item.get("logprobs"))):
        token = TokenLogprob(token=text if place == 0 else "", logprob=json.number(chance) or 0.0)
        if place < len(ids) and (number := json.index(ids[place])) is not None:
            token.token_id = number
        yield token
