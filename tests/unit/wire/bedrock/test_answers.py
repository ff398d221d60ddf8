"""Answers, whole and streamed by the same reading; failures by their kind; counts."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse

from server.errors import (
    ContextLengthExceeded,
    HubError,
    ModelNotFound,
    ProviderBadResponse,
    ProviderCredentialInvalid,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    UnsupportedByProvider,
)
from server.wire.bedrock import BedrockCountCodec
from server.wire.http import HttpResponse
from tests.conversations.reading import assemble
from tests.event_frames import event, exception, frame
from tests.unit.wire.bedrock.test_messages import CLAUDE, NOVA
from tests.unit.wire.support import answer, ask, codec, read

USAGE = {"inputTokens": 12, "outputTokens": 7, "totalTokens": 19}
STOP = event("messageStop", {"stopReason": "end_turn"})
METADATA = event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 5}})


def told(*content: Any, stop: str = "end_turn", **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": list(content)}
    return {"output": {"message": message}, "stopReason": stop, "usage": USAGE, "metrics": {"latencyMs": 5}, **more}


def start(index: int, **block: Any) -> bytes:
    return event("contentBlockStart", {"start": block, "contentBlockIndex": index})


def delta(index: int, **piece: Any) -> bytes:
    return event("contentBlockDelta", {"delta": piece, "contentBlockIndex": index, "p": "abc"})


def stop(index: int) -> bytes:
    return event("contentBlockStop", {"contentBlockIndex": index})


def streamed(*frames: bytes, request: CreateChatCompletionRequest | None = None) -> CreateChatCompletionResponse:
    """A stream put together as a client would; its message is what a whole answer's would be."""
    begin = event("messageStart", {"role": "assistant"})
    return assemble_all(begin + b"".join(frames), request)


def assemble_all(data: bytes, request: CreateChatCompletionRequest | None = None) -> CreateChatCompletionResponse:
    messages = read(data, "bedrock", request, cuts=range(50, len(data), 50))
    messages[-1].gateway.SetInParent()
    return assemble(messages)


SOURCE = {"title": "T", "source": "https://s.test", "sourceContent": [{"text": "quoted"}]}
CHAR = {**SOURCE, "location": {"documentChar": {"documentIndex": 1, "start": 3, "end": 9}}}
PAGE = {"title": "T", "location": {"documentPage": {"documentIndex": 0, "start": 2, "end": 4}}}
CHUNK = {"title": "T", "location": {"documentChunk": {"documentIndex": 0, "start": 5, "end": 6}}}
WEB = {"location": {"web": {"url": "https://w.test/a", "domain": "w.test"}}}

USE = {"toolUseId": "t-1", "name": "f", "input": {"a": 1, "b": "é"}}
SEARCH = {"toolUseId": "s-1", "name": "nova_grounding", "type": "server_tool_use", "input": {"query": "q"}}
FOUND = {
    "toolUseId": "s-1", "type": "nova_grounding_result", "status": "success", "content": [{"text": "x"}, {"json": {}}],
}  # fmt: skip
PNG = b"\x89PNG, whole"

WHOLE = told(
    {"reasoningContent": {"reasoningText": {"text": "hm m", "signature": "c2ln/+="}}},
    {"reasoningContent": {"redactedContent": "cmVk"}},
    {"text": "One. "},
    {"citationsContent": {"content": [{"text": "Zwei é"}], "citations": [CHAR, PAGE, CHUNK]}},
    {"toolUse": SEARCH},
    {"toolResult": FOUND},
    {"text": "Four."},
    {"citationsContent": {"citations": [WEB]}},
    {"image": {"format": "png", "source": {"bytes": base64.b64encode(PNG).decode()}}},
    {"novel": {"b": 1, "a": [2]}},
    {"toolUse": USE},
    {"toolUse": {"toolUseId": "t-2", "name": "g", "input": {}}},
    stop="tool_use",
)

STREAM = (
    delta(0, reasoningContent={"text": "hm "}),
    delta(0, reasoningContent={"text": "m"}),
    delta(0, reasoningContent={"signature": "c2ln/+="}),
    stop(0),
    delta(1, reasoningContent={"redactedContent": "cmVk"}),
    stop(1),
    delta(2, text="On"),
    delta(2, text="e. "),
    stop(2),
    delta(3, citation=CHAR),
    delta(3, citation=PAGE),
    delta(3, citation=CHUNK),
    delta(3, text="Zwei"),
    delta(3, text=" é"),
    stop(3),
    start(4, toolUse={key: SEARCH[key] for key in ("toolUseId", "name", "type")}),
    delta(4, toolUse={"input": '{"que'}),
    delta(4, toolUse={"input": 'ry":"q"}'}),
    stop(4),
    start(5, toolResult={key: FOUND[key] for key in ("toolUseId", "type", "status")}),
    delta(5, toolResult=[{"text": "x"}]),
    delta(5, toolResult=[{"json": {}}]),
    stop(5),
    delta(6, text="Four."),
    stop(6),
    delta(7, citation=WEB),
    stop(7),
    start(8, image={"format": "png"}),
    delta(8, image={"source": {"bytes": base64.b64encode(PNG[:5]).decode()}}),
    delta(8, image={"source": {"bytes": base64.b64encode(PNG[5:]).decode()}}),
    stop(8),
    delta(9, novel={"b": 1, "a": [2]}),
    stop(9),
    start(10, toolUse={"toolUseId": "t-1", "name": "f"}),
    delta(10, toolUse={"input": '{"a":1,'}),
    delta(10, toolUse={"input": '"b":"é"}'}),
    stop(10),
    start(11, toolUse={"toolUseId": "t-2", "name": "g"}),
    delta(11, toolUse={"input": ""}),
    stop(11),
    event("messageStop", {"stopReason": "tool_use"}),
    METADATA,
)


def test_every_block_finds_its_place() -> None:
    choice = answer(WHOLE, "bedrock").choices[0]
    parts = [part.WhichOneof("part") for part in choice.message.content]
    assert parts == ["reasoning", "reasoning", "text", "text", "provider", "provider", "text", "image", "provider"]
    signed, redacted = choice.message.content[0].reasoning, choice.message.content[1].reasoning
    assert (signed.text, signed.signature, signed.redacted) == ("hm m", b"c2ln/+=", False)
    assert (redacted.text, redacted.signature, redacted.redacted) == ("", b"cmVk", True)
    assert {signed.provider, signed.format} == {"bedrock", "anthropic-claude-v1"}
    search = choice.message.content[4].provider
    assert (search.type, search.id) == ("server_tool_use", "s-1")
    assert json.loads(search.json) == {"toolUse": SEARCH}
    assert json.loads(choice.message.content[5].provider.json) == {"toolResult": FOUND}
    assert choice.message.content[7].image.media.data == PNG
    assert choice.message.content[8].provider.type == "novel"
    first, second = choice.message.tool_calls
    assert (first.id, first.function.name, first.function.arguments_json) == ("t-1", "f", '{"a":1,"b":"é"}')
    assert (first.part_index, second.function.arguments_json) == (9, "{}")
    assert choice.finish_reason == chat_pb2.FINISH_REASON_TOOL_CALLS
    assert choice.native_finish_reason == "tool_use"


def test_citations() -> None:
    choice = answer(WHOLE, "bedrock").choices[0]
    char, page, chunk, web = choice.citations
    assert (char.part_index, char.start_index, char.end_index) == (3, 0, 6)
    assert (char.url, char.title, char.quoted_text) == ("https://s.test", "T", "quoted")
    assert (char.document_index, char.source_start_index, char.source_end_index) == (1, 3, 9)
    assert (page.document_index, page.start_page, page.end_page) == (0, 2, 3)
    assert (chunk.document_index, chunk.HasField("start_page")) == (0, False)
    assert (web.url, web.part_index, web.HasField("start_index")) == ("https://w.test/a", 6, False)
    assert json.loads(choice.provider_fields_json) == {"citations": [CHUNK]}


def test_a_stream_says_what_the_whole_answer_says() -> None:
    whole, stream = answer(WHOLE, "bedrock"), streamed(*STREAM)
    for message in (whole.choices[0].message, stream.choices[0].message):
        for part in message.content:
            if part.HasField("provider"):
                part.provider.json = json.dumps(json.loads(part.provider.json), sort_keys=True)
    assert stream.choices[0].message == whole.choices[0].message
    assert stream.choices[0].citations == whole.choices[0].citations
    assert stream.choices[0].finish_reason == whole.choices[0].finish_reason
    assert stream.usage == whole.usage


def test_an_answer_by_a_tool_is_text() -> None:
    request = ask(response_format={"json_object": {}})
    use = {"toolUseId": "t", "name": "json_answer", "input": {"a": 1}}
    whole = answer(told({"toolUse": use}, stop="tool_use"), "bedrock", request)
    stream = streamed(
        start(0, toolUse={"toolUseId": "t", "name": "json_answer"}), delta(0, toolUse={"input": '{"a"'}),
        delta(0, toolUse={"input": ":1}"}), stop(0), event("messageStop", {"stopReason": "tool_use"}), METADATA,
        request=request,
    )  # fmt: skip
    for got in (whole, stream):
        [choice] = got.choices
        assert [part.text for part in choice.message.content] == ['{"a":1}']
        assert not choice.message.tool_calls
        assert choice.finish_reason == chat_pb2.FINISH_REASON_STOP
        assert choice.native_finish_reason == "tool_use"
    # Without the wish it is a call like any other.
    assert answer(told({"toolUse": use}, stop="tool_use"), "bedrock").choices[0].message.tool_calls


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", chat_pb2.FINISH_REASON_STOP),
        ("stop_sequence", chat_pb2.FINISH_REASON_STOP),
        ("max_tokens", chat_pb2.FINISH_REASON_LENGTH),
        ("model_context_window_exceeded", chat_pb2.FINISH_REASON_LENGTH),
        ("guardrail_intervened", chat_pb2.FINISH_REASON_CONTENT_FILTER),
        ("content_filtered", chat_pb2.FINISH_REASON_CONTENT_FILTER),
        ("malformed_tool_use", chat_pb2.FINISH_REASON_OTHER),
        ("", chat_pb2.FINISH_REASON_UNSPECIFIED),
    ],
)
def test_why_it_ended(word: str, reason: int) -> None:
    assert answer(told({"text": "a"}, stop=word), "bedrock").choices[0].finish_reason == reason
    got = streamed(delta(0, text="a"), event("messageStop", {"stopReason": word or "end_turn"}), METADATA)
    assert got.choices[0].finish_reason == (reason or chat_pb2.FINISH_REASON_STOP)


def test_what_is_told_beside_the_message() -> None:
    usage = {**USAGE, "cacheReadInputTokens": 100, "cacheWriteInputTokens": 20, "totalTokens": 139,
             "cacheDetails": [{"ttl": "5m", "inputTokens": 20}], "serverToolUsage": {"webSearch": 2}}  # fmt: skip
    beside: dict[str, Any] = {
        "usage": usage,
        "metrics": {"latencyMs": 5},
        "trace": {"promptRouter": {"invokedModelId": "arn:x"}},
        "serviceTier": {"type": "flex"},
        "performanceConfig": {"latency": "optimized"},
    }
    fields = {"stop_sequence": "END", "x": 1}
    whole = answer(told({"text": "a"}, additionalModelResponseFields=fields, **beside), "bedrock")
    ending = event("messageStop", {"stopReason": "end_turn", "additionalModelResponseFields": fields})
    stream = streamed(delta(0, text="a"), ending, event("metadata", beside))
    for got in (whole, stream):
        assert (got.usage.input_tokens, got.usage.output_tokens, got.usage.total_tokens) == (132, 7, 139)
        assert (got.usage.cached_input_tokens, got.usage.cache_write_input_tokens) == (100, 20)
        assert got.usage.server_tool_calls == {"webSearch": 2}
        assert got.choices[0].stop_sequence == "END"
    assert (whole.service_tier, whole.model) == ("flex", "arn:x")
    assert json.loads(whole.provider_fields_json) == {
        "metrics": {"latencyMs": 5},
        "trace": {"promptRouter": {"invokedModelId": "arn:x"}},
        "performanceConfig": {"latency": "optimized"},
        "additionalModelResponseFields": {"x": 1},
        "usage": {"cacheDetails": [{"ttl": "5m", "inputTokens": 20}]},
    }


def test_the_last_message_holds_tier_and_metrics() -> None:
    frames = delta(0, text="a") + STOP + event("metadata", {"usage": USAGE, "serviceTier": {"type": "default"}, "x": 1})
    last = read(frames, "bedrock")[-1]
    assert (last.service_tier, json.loads(last.provider_fields_json)) == ("default", {"x": 1})


def test_usage_that_is_not_told_is_estimated() -> None:
    whole = answer(told({"text": "a" * 40}, usage=None), "bedrock")
    assert whole.usage.estimated
    assert whole.usage.output_tokens == 10
    got = streamed(delta(0, text="a" * 40), STOP)
    assert got.usage.estimated
    assert got.usage.output_tokens == 10


def test_padding_comes_through_where_it_was_asked_for() -> None:
    frames = delta(0, text="a") + STOP + METADATA
    asked = read(frames, "bedrock", ask(stream_options={"include_obfuscation": True}))
    assert "".join(message.obfuscation for message in asked) == "abc"
    assert not any(message.obfuscation for message in read(frames, "bedrock"))


def test_ids_are_made_where_there_are_none() -> None:
    whole = answer(told({"toolUse": {"name": "f", "input": {}}}, {"toolUse": {"name": "g"}}), "bedrock")
    ids = [call.id for call in whole.choices[0].message.tool_calls]
    assert all(one.startswith("call_") for one in ids)
    assert len(set(ids)) == 2
    got = streamed(delta(0, toolUse={"input": "{}"}), stop(0), STOP, METADATA)
    assert got.choices[0].message.tool_calls[0].id.startswith("call_")


def failure(data: bytes) -> HubError:
    decoder = codec("bedrock").decoder(ask())
    with pytest.raises(HubError) as caught:
        decoder.feed(data)
        decoder.feed(b"")
        decoder.finish()
    assert decoder.broken().HasField("usage")
    return caught.value


@pytest.mark.parametrize(
    ("frames", "error"),
    [
        (exception("throttlingException", "slow down"), ProviderRateLimited),
        (exception("validationException", "bad field"), ProviderRejected),
        (exception("validationException", "Input is too long for requested model."), ContextLengthExceeded),
        (exception("modelStreamErrorException", "oops"), ProviderUnavailable),
        (exception("internalServerException", "oops"), ProviderUnavailable),
        (exception("serviceUnavailableException", "oops"), ProviderUnavailable),
        (exception("modelTimeoutException", "oops"), ProviderTimeout),
        (exception("neverHeardOf", "oops"), ProviderUnavailable),
        (
            frame(b"", message_type="error", error_code="AccessDeniedException", error_message="no"),
            ProviderCredentialInvalid,
        ),
        (frame(b"not json", message_type="exception", exception_type="throttlingException"), ProviderRateLimited),
    ],
)
def test_failures_inside_a_stream(frames: bytes, error: type[HubError]) -> None:
    assert type(failure(delta(0, text="a") + frames)) is error
    assert type(failure(frames)) is error


@pytest.mark.parametrize(
    "frames",
    [b"", delta(0, text="a"), delta(0, text="a") + stop(0), delta(0, text="a") + STOP[:-3], METADATA, STOP[:7]],
)
def test_a_cut_stream_never_looks_like_success(frames: bytes) -> None:
    assert type(failure(frames)) is ProviderUnavailable


def test_words_before_a_failure_are_told() -> None:
    decoder = codec("bedrock").decoder(ask())
    message = decoder.feed(delta(0, text="Hel") + delta(0, text="lo") + exception("throttlingException", "slow"))
    assert message is not None
    assert message.choices[0].content == "Hello"
    with pytest.raises(ProviderRateLimited, match="slow"):
        decoder.feed(b"")


def test_too_many_blocks_are_not_read() -> None:
    frames = b"".join(start(place, toolUse={"toolUseId": "x", "name": "f"}) for place in range(1100))
    assert type(failure(frames)) is ProviderBadResponse


def test_a_plain_answer_although_a_stream_was_asked_for() -> None:
    [message] = read(json.dumps(told({"text": "Hi"})).encode(), "bedrock")
    assert message.choices[0].content == "Hi"


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b'{"output": {}}', b"<html>", b'{"Output": {"__type": "x"}}'])
def test_what_is_no_answer(payload: bytes) -> None:
    with pytest.raises(ProviderBadResponse):
        answer(payload, "bedrock")


CORAL = ":http://internal.amazon.com/coral/com.amazon.bedrock/"


@pytest.mark.parametrize(
    ("status", "kind", "body", "error"),
    [
        (400, f"ValidationException{CORAL}", {"message": "bad"}, ProviderRejected),
        (400, "ValidationException", {"Message": "The provided model identifier is invalid."}, ModelNotFound),
        (400, "", {"message": "Input Tokens Exceeded: Number of input tokens exceeds"}, ContextLengthExceeded),
        (403, "AccessDeniedException", {"Message": "You don't have access to the model"}, ProviderCredentialInvalid),
        (403, f"ExpiredTokenException{CORAL}", {"message": "expired"}, ProviderCredentialInvalid),
        (400, "IncompleteSignatureException", {"message": "no date"}, ProviderCredentialInvalid),
        (404, "ResourceNotFoundException", {"message": "no such profile"}, ModelNotFound),
        (404, "", {"__type": "com.amazon.coral.service#UnknownOperationException"}, ModelNotFound),
        (408, "ModelTimeoutException", {"message": "slow"}, ProviderTimeout),
        (424, "ModelErrorException", {"message": "oops", "originalStatusCode": 500}, ProviderUnavailable),
        (429, "ThrottlingException", {"message": "Too many requests"}, ProviderRateLimited),
        (429, "ModelNotReadyException", {"message": "loading"}, ProviderUnavailable),
        (400, "ServiceQuotaExceededException", {"message": "quota"}, ProviderRateLimited),
        (500, "InternalServerException", {"message": "oops"}, ProviderUnavailable),
        (503, "ServiceUnavailableException", {"message": "busy"}, ProviderUnavailable),
        (502, "", b"<html><body>Bad gateway</body></html>", ProviderUnavailable),
    ],
)  # fmt: skip
def test_refusals(status: int, kind: str, body: Any, error: type[HubError]) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers: Mapping[str, str] = {"x-amzn-errortype": kind} if kind else {}
    got = codec("bedrock").decode_error(HttpResponse(status, headers, raw))
    assert type(got) is error
    assert got.metadata["providerStatus"] == str(status)
    if kind:
        assert got.metadata["providerCode"] == kind.partition(":")[0]


def test_counting() -> None:
    counter = BedrockCountCodec()
    request = ask(tools=[{"function": {"name": "f"}}], temperature=0.5, reasoning={"budget_tokens": 2000})
    sent = counter.encode(request, CLAUDE)
    assert sent.path == "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens"
    assert json.loads(sent.body)["input"]["converse"].keys() == {
        "messages",
        "toolConfig",
        "additionalModelRequestFields",
    }
    assert counter.decode(HttpResponse(200, {}, b'{"inputTokens": 11}'), "m").input_tokens == 11
    with pytest.raises(ProviderBadResponse):
        counter.decode(HttpResponse(200, {}, b'{"inputTokens": null}'), "m")
    with pytest.raises(UnsupportedByProvider):
        counter.encode(request, NOVA)
    told_no = {"message": "The provided model doesn't support counting tokens."}
    assert isinstance(counter.decode_error(HttpResponse(400, {}, json.dumps(told_no).encode())), UnsupportedByProvider)
    assert isinstance(counter.decode_error(HttpResponse(400, {}, b'{"message": "bad"}')), ProviderRejected)
