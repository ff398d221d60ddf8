"""What Ollama answers, whole and streamed."""

import json
from typing import Any

import pytest
from aignehub.v1 import chat_pb2

from server.errors import HubError, ModelNotFound, ProviderBadResponse, ProviderRejected, ProviderUnavailable
from server.providers.registry import PROVIDERS
from server.wire.chat.whole import as_choice
from server.wire.http import HttpResponse
from tests.fake_embeddings import ask as ask_embeddings
from tests.unit.wire.support import answer, ask, codec, read

HEAD = {"model": "qwen3", "created_at": "2025-08-21T13:52:11.724677065Z"}
END = {
    "done": True, "done_reason": "stop", "total_duration": 9, "prompt_eval_count": 7, "eval_count": 3,
}  # fmt: skip
CALL = {"function": {"name": "f", "arguments": {"b": 1, "a": [2.0]}}}


def whole(message: Any, **fields: Any) -> dict[str, Any]:
    return {**HEAD, "message": {"role": "assistant", **message}, **END, **fields}


def lines(*messages: Any, **end: Any) -> bytes:
    told = [{**HEAD, "message": {"role": "assistant", "content": "", **message}, "done": False} for message in messages]
    return b"".join(json.dumps(one).encode() + b"\n" for one in [*told, whole({"content": ""}, **end)])


def test_everything_a_whole_answer_says() -> None:
    message = {
        "content": "Hi",
        "thinking": "hm",
        "tool_calls": [{"id": "c1", **CALL}],
        "images": ["iVBORw0KGgo="],
        "x": 1,
    }
    got = answer(whole(message, load_duration=4, prompt_eval_cached_count=5), "ollama")
    [choice] = got.choices
    assert (got.model, got.create_time.seconds, got.id) == ("qwen3", 1755784331, "")
    thought, text, image = choice.message.content
    assert (thought.reasoning.text, thought.reasoning.provider, text.text) == ("hm", "ollama", "Hi")
    assert image.image.media.mime_type == "image/png"
    [call] = choice.message.tool_calls
    assert (call.id, call.function.name, call.function.arguments_json) == ("c1", "f", '{"b":1,"a":[2.0]}')
    assert choice.finish_reason == chat_pb2.FINISH_REASON_TOOL_CALLS
    assert (got.usage.input_tokens, got.usage.output_tokens, got.usage.cached_input_tokens) == (7, 3, 5)
    assert json.loads(got.provider_fields_json) == {"total_duration": 9, "load_duration": 4}
    assert json.loads(choice.provider_fields_json) == {"message": {"x": 1}}


@pytest.mark.parametrize(
    "messages",
    [
        ({"content": "Hi"},),
        ({"thinking": "h"}, {"thinking": "m"}, {"content": "H"}, {"content": "i"}),
        ({"content": "Let me look."}, {"tool_calls": [{"id": "1", **CALL}]}, {"tool_calls": [{"id": "2", **CALL}]}),
        ({"images": ["iVBORw0KGgo="]},),
        (),
    ],
)
def test_a_stream_says_the_same_wherever_it_is_cut(messages: tuple[Any, ...]) -> None:
    joined: dict[str, Any] = {"content": ""}
    for one in messages:
        for name, value in one.items():
            joined[name] = joined.get(name, type(value)()) + value
    expected = answer(whole(joined), "ollama").choices[0]
    body = lines(*messages)
    for cut in range(1, len(body), 17):
        told = read(body, "ollama", cuts=(cut,))
        choice = as_choice(0, [delta for one in told for delta in one.choices])
        assert choice == expected
        assert (told[0].model, told[-1].usage.total_tokens) == ("qwen3", 10)


def test_calls_without_ids_get_one_each() -> None:
    told = whole({"content": "", "tool_calls": [CALL, CALL]})
    first, second = answer(told, "ollama").choices[0].message.tool_calls
    assert first.id.startswith("call_")
    assert first.id != second.id
    assert answer(told, "ollama").choices[0].message.tool_calls[0].id != first.id
    pieces = [piece for one in read(lines({"tool_calls": [CALL]}, {"tool_calls": [CALL]}), "ollama")
              for delta in one.choices for piece in delta.tool_calls]  # fmt: skip
    assert [piece.index for piece in pieces] == [0, 1]
    assert len({piece.id for piece in pieces}) == 2


def test_log_probabilities() -> None:
    token = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": [{"token": "Ho", "logprob": -1}]}
    [choice] = answer(whole({"content": "Hi"}, logprobs=[token]), "ollama").choices
    assert [(one.token, one.top_logprobs[0].token) for one in choice.logprobs.content] == [("Hi", "Ho")]


@pytest.mark.parametrize(
    ("fields", "reason", "word"),
    [
        ({}, "STOP", "stop"),
        ({"done_reason": "length"}, "LENGTH", "length"),
        ({"done_reason": "load"}, "OTHER", "load"),
        ({"done_reason": None}, "STOP", ""),
    ],
)
def test_why_it_ended(fields: dict[str, Any], reason: str, word: str) -> None:
    for choice in (
        answer(whole({"content": "x"}, **fields), "ollama").choices[0],
        read(lines({"content": "x"}, **fields), "ollama")[-1].choices[-1],
    ):
        assert chat_pb2.FinishReason.Name(choice.finish_reason) == f"FINISH_REASON_{reason}"
        assert choice.native_finish_reason == word


def test_a_cached_prompt_that_is_not_counted_is_estimated() -> None:
    usage = answer(whole({"content": "x"}, prompt_eval_count=None), "ollama").usage
    assert usage.estimated
    assert (usage.input_tokens > 0, usage.output_tokens) == (True, 3)
    assert answer(whole({"content": "four"}, prompt_eval_count=0, eval_count=0), "ollama").usage.output_tokens == 1


@pytest.mark.parametrize(
    ("status", "told", "kind"),
    [
        (404, {"error": 'model "x" not found, try pulling it first'}, ModelNotFound),
        (404, {"error": "model 'x' not found"}, ModelNotFound),
        (400, {"error": '"x" does not support thinking'}, ProviderRejected),
        (500, {"error": "llama runner process has terminated"}, ProviderUnavailable),
    ],
)
def test_refusals(status: int, told: Any, kind: type[HubError]) -> None:
    error = codec("ollama").decode_error(HttpResponse(status, {}, json.dumps(told).encode()))
    assert type(error) is kind
    assert told["error"] in error.message
    assert ("ollama pull" in error.message) is (kind is ModelNotFound)


def test_a_path_that_is_not_there_is_no_model_to_pull() -> None:
    error = codec("ollama").decode_error(HttpResponse(404, {}, b"404 page not found"))
    assert "ollama pull" not in error.message


def test_a_failure_in_the_middle_tells_what_came_before() -> None:
    begun = json.dumps({**HEAD, "message": {"role": "assistant", "content": "Half"}, "done": False}).encode()
    decoder = codec("ollama").decoder(ask())
    told = decoder.feed(begun + b'\n{"error":"an error was encountered while running the model"}\n')
    assert told is not None
    assert told.choices[0].content == "Half"
    with pytest.raises(ProviderUnavailable, match="while running the model"):
        decoder.feed(b"")
    assert decoder.broken().usage.estimated


@pytest.mark.parametrize("end", range(0, 400, 23))
def test_a_cut_stream_never_looks_whole(end: int) -> None:
    body = lines({"content": "Hi"}, {"content": " there"})
    with pytest.raises(ProviderUnavailable):
        read(body[: min(end, len(body) - 3)], "ollama")


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (b"<html>", ProviderBadResponse),
        (b"[]", ProviderBadResponse),
        (b"{}", ProviderBadResponse),
        (b'{"message": 3, "done": true}', ProviderBadResponse),
        (json.dumps({**whole({"content": "x"}), "done": False}).encode(), ProviderUnavailable),
        (b'{"error": "no"}', ProviderUnavailable),
    ],
)
def test_what_is_no_answer(told: bytes, kind: type[HubError]) -> None:
    with pytest.raises(kind):
        answer(told, "ollama")
    with pytest.raises(HubError):
        read(told, "ollama")


def _embedded(told: Any, count: int = 1) -> Any:
    make = PROVIDERS["ollama"].embeddings
    assert make
    request = ask_embeddings(*["some text"] * count)
    return make({}).decode(HttpResponse(200, {}, json.dumps(told).encode()), request, range(count))


def test_embeddings() -> None:
    got = _embedded({"model": "m", "embeddings": [[1, 0.5], [0, 2]], "prompt_eval_count": 4}, 2)
    assert (got.model, got.dimensions, got.usage.input_tokens) == ("m", 2, 4)
    assert [one.packed for one in got.embeddings] == [b"\0\0\x80?\0\0\0?", b"\0\0\0\0\0\0\0@"]
    older = _embedded({"embedding": [1.0]})
    assert (older.dimensions, older.usage.estimated) == (1, True)


@pytest.mark.parametrize(
    "told",
    [{}, {"embeddings": []}, {"embeddings": [[1], [2]]}, {"embeddings": ["x"]}, {"embeddings": [[None]]}, [], 3],
)
def test_embeddings_that_cannot_be_read(told: Any) -> None:
    with pytest.raises(ProviderBadResponse):
        _embedded(told)
    with pytest.raises(ModelNotFound, match="ollama pull"):
        _embedded({"error": 'model "x" not found, try pulling it first'})
