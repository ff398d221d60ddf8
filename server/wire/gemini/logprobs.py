"""Log probabilities: the tokens chosen, and beside each the likeliest.

https://ai.google.dev/api/generate-content#LogprobsResult
"""

from itertools import zip_longest

from aignehub.v1.chat_pb2 import Logprobs, TokenLogprob, TopLogprob

from server.wire import json_value as json
from server.wire.json_value import Json, Object


def read_logprobs(told: Json) -> Logprobs | None:
    """None where nothing is told."""
    result = json.obj(told)
    chosen = json.objects(result.get("chosenCandidates"))
    top = json.objects(result.get("topCandidates"))
    if not chosen:
        return None
    rows = zip_longest(chosen, top[: len(chosen)], fillvalue=None)
    return Logprobs(content=[_token(one or {}, json.obj(others).get("candidates")) for one, others in rows])


def _token(told: Object, others: Json) -> TokenLogprob:
    token = TokenLogprob(
        token=json.text(told.get("token")),
        logprob=json.number(told.get("logProbability")) or 0.0,
        top_logprobs=[_top(other) for other in json.objects(others)],
    )
    if (id := json.index(told.get("tokenId"))) is not None:
        token.token_id = id
    return token


def _top(told: Object) -> TopLogprob:
    other = TopLogprob(token=json.text(told.get("token")), logprob=json.number(told.get("logProbability")) or 0.0)
    if (id := json.index(told.get("tokenId"))) is not None:
        other.token_id = id
    return other
