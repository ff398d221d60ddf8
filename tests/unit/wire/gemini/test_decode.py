"""Whole answers."""

import json
from base64 import b64encode
from typing import Any

import pytest
from aignehub.v1 import audio_pb2, chat_pb2, usage_pb2
from google.protobuf.json_format import MessageToDict

from server.errors import (
    ContentFiltered,
    HubError,
    ProviderBadResponse,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
)
from server.wire import wav
from server.wire.gemini import GeminiChatCodec, Host
from server.wire.gemini.words import VERTEX_FINISH_NUMBERS
from server.wire.http import HttpResponse
from tests.unit.wire.gemini.bodies import FLASH, candidate, read, told
from tests.unit.wire.support import ask, codec


def message(*parts: Any, **more: Any) -> chat_pb2.Message:
    return read(told(candidate(*parts, **more))).choices[0].message


def test_an_answer_and_its_head() -> None:
    got = read(told(candidate({"text": "Hi"}), createTime="2026-02-17T17:52:45.243188Z"))
    assert (got.id, got.model, got.create_time.seconds) == ("r-1", FLASH, 1771350765)
    assert MessageToDict(got.choices[0]) == {
        "message": {"role": "ROLE_ASSISTANT", "content": [{"text": "Hi"}]},
        "finishReason": "FINISH_REASON_STOP",
        "nativeFinishReason": "STOP",
    }
    assert read(told(candidate({"text": "x"}), modelVersion="models/m")).model == "m"


def test_parts_of_every_kind_keep_their_order_and_proofs() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1", "id": "e"}, "thoughtSignature": "s2"}
    got = message(
        {"text": "hm", "thought": True, "thoughtSignature": "a/b+=="},
        {"text": ""},
        {"text": "a", "thoughtSignature": "s1"},
        code,
        {"functionCall": {"name": "f"}, "thoughtSignature": "s3"},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thoughtSignature": "s4"},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thought": True},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/v.mp4"}},
        {"functionCall": {"name": "g", "args": {"b": 1, "a": [2.0]}, "id": "own"}},
        {"text": "", "thoughtSignature": "s5"},
        {"thoughtSignature": "s6"},
        {"somethingNew": {"x": 1}},
    )
    kinds = [part.WhichOneof("part") for part in got.content]
    assert kinds == ["reasoning", "text", "provider", "image", "provider", "video", "text", "text", "provider"]
    reasoning = got.content[0].reasoning
    assert (reasoning.text, reasoning.signature, reasoning.provider) == ("hm", b"a/b+==", "gemini")
    assert (got.content[1].text, got.content[1].signature) == ("a", b"s1")
    block = got.content[2].provider
    assert (block.provider, block.type, block.id, json.loads(block.json)) == ("gemini", "executableCode", "e", code)
    assert (got.content[3].image.media.data, got.content[3].signature) == (b"\0\0\0", b"s4")
    assert (got.content[4].provider.type, got.content[5].video.media.url) == ("inlineData", "gs://b/v.mp4")
    assert [part.signature for part in got.content[6:8]] == [b"s5", b"s6"]
    assert got.content[8].provider.type == "somethingNew"
    first, second = got.tool_calls
    assert (first.function.name, first.function.arguments_json, first.signature) == ("f", "{}", b"s3")
    assert (first.part_index, second.part_index) == (3, 6)
    assert (second.id, second.function.arguments_json) == ("own", '{"b":1,"a":[2.0]}')
    assert first.id.startswith("call_")


def test_ids_that_are_made_are_the_same_for_the_same_answer() -> None:
    def ids(**more: Any) -> list[str]:
        parts = [{"functionCall": {"name": "f"}}, {"functionCall": {"name": "f"}}]
        answer = told(candidate(*parts), candidate(*parts, index=1), **more)
        return [call.id for choice in read(answer).choices for call in choice.message.tool_calls]

    once = ids()
    assert len(set(once)) == 4
    assert ids() == once
    assert not set(ids(responseId="r-2")) & set(once)
    assert not set(ids(responseId="")) & set(ids(responseId=""))


@pytest.mark.parametrize(
    ("word", "reason", "native"),
    [
        ("STOP", "STOP", "STOP"),
        ("MAX_TOKENS", "LENGTH", "MAX_TOKENS"),
        ("SAFETY", "CONTENT_FILTER", "SAFETY"),
        ("MODEL_ARMOR", "CONTENT_FILTER", "MODEL_ARMOR"),
        ("IMAGE_RECITATION", "CONTENT_FILTER", "IMAGE_RECITATION"),
        ("UNEXPECTED_TOOL_CALL", "OTHER", "UNEXPECTED_TOOL_CALL"),
        ("SOMETHING_NEW", "OTHER", "SOMETHING_NEW"),
        ("FINISH_REASON_UNSPECIFIED", "UNSPECIFIED", ""),
        (None, "UNSPECIFIED", ""),
        (0, "UNSPECIFIED", ""),
        (1, "STOP", "STOP"),
        (2, "LENGTH", "MAX_TOKENS"),
        (8, "CONTENT_FILTER", "PROHIBITED_CONTENT"),
        (99, "OTHER", "99"),
    ],
)
def test_why_it_ended(word: Any, reason: str, native: str) -> None:
    choice = read(told(candidate({"text": "x"}, finish=word))).choices[0]
    assert chat_pb2.FinishReason.Name(choice.finish_reason) == f"FINISH_REASON_{reason}"
    assert choice.native_finish_reason == native


def test_vertex_numbers_its_reasons_otherwise_and_calls_end_a_turn() -> None:
    vertex = GeminiChatCodec(Host(name="vertex", root="/v1", finish_numbers=VERTEX_FINISH_NUMBERS))
    body = json.dumps(told(candidate({"text": "x"}, finish=7), candidate({"functionCall": {"name": "f"}}, finish=1)))
    first, second = vertex.decode(HttpResponse(200, {}, body.encode()), ask()).choices
    assert first.native_finish_reason == "PROHIBITED_CONTENT"
    assert second.finish_reason == chat_pb2.FINISH_REASON_TOOL_CALLS


@pytest.mark.parametrize("content", [{}, None, {"role": "model"}, {"parts": None}, {"parts": []}, "x"])
def test_an_answer_without_content_is_an_answer(content: Any) -> None:
    choice = read(told({"content": content, "finishReason": "SAFETY", "safetyRatings": [{"blocked": True}]})).choices[0]
    assert choice.finish_reason == chat_pb2.FINISH_REASON_CONTENT_FILTER
    assert not choice.message.content
    assert json.loads(choice.provider_fields_json) == {"safetyRatings": [{"blocked": True}]}


def test_a_prompt_that_was_blocked_is_a_failure() -> None:
    feedback = {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "not this"}
    with pytest.raises(ContentFiltered) as caught:
        read({"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 4}})
    assert "PROHIBITED_CONTENT, not this" in caught.value.message
    assert caught.value.metadata == {"providerCode": "PROHIBITED_CONTENT"}
    with pytest.raises(ProviderBadResponse, match="without a choice"):
        read({"usageMetadata": {"promptTokenCount": 4}})
    kept = read(told(candidate({"text": "x"}), promptFeedback={"safetyRatings": [1]}))
    assert json.loads(kept.provider_fields_json) == {"promptFeedback": {"safetyRatings": [1]}}


def test_usage_is_counted_once() -> None:
    usage = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "toolUsePromptTokenCount": 30,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 50,
        "totalTokenCount": 200,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 40}, {"modality": 2, "tokenCount": 60}],
        "toolUsePromptTokensDetails": [{"modality": "TEXT", "tokenCount": 30}],
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 20}],
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 60}],
        "serviceTier": "flex",
    }
    got = read(told(candidate({"text": "x"}), usageMetadata=usage))
    assert got.service_tier == "flex"
    assert got.usage == usage_pb2.Usage(
        input_tokens=130,
        output_tokens=70,
        total_tokens=200,
        cached_input_tokens=60,
        reasoning_output_tokens=50,
        input_by_modality=[
            usage_pb2.ModalityTokens(modality=usage_pb2.MODALITY_TEXT, tokens=70),
            usage_pb2.ModalityTokens(modality=usage_pb2.MODALITY_IMAGE, tokens=60),
        ],
        output_by_modality=[usage_pb2.ModalityTokens(modality=usage_pb2.MODALITY_AUDIO, tokens=20)],
    )
    assert json.loads(got.provider_fields_json) == {
        "usageMetadata": {"cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 60}]}
    }


@pytest.mark.parametrize("usage", [None, {}, {"trafficType": "ON_DEMAND"}, {"candidatesTokenCount": 7}])
def test_usage_is_never_silently_nothing(usage: Any) -> None:
    got = read(told(candidate({"text": "x" * 40}), usageMetadata=usage)).usage
    assert got.estimated
    assert got.input_tokens > 0
    assert got.output_tokens == (7 if usage and "candidatesTokenCount" in usage else 10)
    assert got.total_tokens == got.input_tokens + got.output_tokens


def test_places_in_the_text_are_counted_in_characters() -> None:
    text = "Köln é €: it is 12 °C. Sunny."
    quoted = "it is 12 °C."
    start = len(text[: text.index(quoted)].encode())
    grounding = {
        "groundingChunks": [
            {"web": {"uri": "https://a.example", "title": "A"}},
            {"retrievedContext": {"uri": "gs://b", "title": "B", "text": "said"}},
            {"web": {"uri": "https://c.example"}},
        ],
        "groundingSupports": [
            {
                "segment": {"startIndex": start, "endIndex": start + len(quoted.encode()), "text": quoted},
                "groundingChunkIndices": [0, 1, 7],
            },
            {"segment": {"startIndex": 2, "endIndex": 6}, "groundingChunkIndices": [0]},
            {"segment": {"endIndex": 4, "text": "other"}, "groundingChunkIndices": [0]},
        ],
        "webSearchQueries": ["q1", "", "q2"],
    }
    choice_parts = ({"text": "hm", "thought": True}, {"text": text[:12]}, {"text": text[12:]})
    got = read(told(candidate(*choice_parts, groundingMetadata=grounding)))
    found = [MessageToDict(one) for one in got.choices[0].citations]
    at = text.index(quoted) - 12
    place = {"partIndex": 2, "startIndex": at, "endIndex": at + len(quoted)}
    if at < 0:
        place = {"partIndex": 1, "startIndex": at + 12, "endIndex": 12}
    assert found == [
        {"url": "https://a.example", "title": "A", **place},
        {"url": "gs://b", "title": "B", "quotedText": "said", **place},
        {"url": "https://a.example", "title": "A"},
        {"url": "https://a.example", "title": "A"},
        {"url": "https://c.example"},
    ]
    assert json.loads(got.choices[0].provider_fields_json) == {"groundingMetadata": grounding}
    assert dict(got.usage.server_tool_calls) == {"google_search": 2}


def test_what_it_recites_is_cited() -> None:
    recited = {"citations": [{"startIndex": 1, "endIndex": 3, "uri": "https://a.example", "license": "MIT"}]}
    choice = read(told(candidate({"text": "abcdef"}, citationMetadata=recited))).choices[0]
    assert MessageToDict(choice.citations[0]) == {
        "url": "https://a.example",
        "startIndex": 1,
        "endIndex": 3,
        "partIndex": 0,
    }
    assert json.loads(choice.provider_fields_json) == {"citationMetadata": recited}


def test_log_probabilities() -> None:
    result = {
        "chosenCandidates": [{"token": "a", "tokenId": 5, "logProbability": -0.5}, {"token": "b"}],
        "topCandidates": [{"candidates": [{"token": "a", "logProbability": -0.5}, {"token": "c", "tokenId": 6}]}],
    }
    got = read(told(candidate({"text": "ab"}, logprobsResult=result))).choices[0].logprobs.content
    assert [(one.token, one.logprob, one.token_id, len(one.top_logprobs)) for one in got] == [
        ("a", -0.5, 5, 2),
        ("b", 0.0, 0, 0),
    ]
    assert (got[0].top_logprobs[1].token, got[0].top_logprobs[1].token_id) == ("c", 6)


@pytest.mark.parametrize(
    ("form", "header"), [(0, 44), (audio_pb2.AUDIO_FORMAT_WAV, 44), (audio_pb2.AUDIO_FORMAT_PCM_S16LE, 0)]
)
def test_spoken_answers(form: Any, header: int) -> None:
    request = ask()
    request.audio.format = form
    parts = [{"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=16000", "data": "AAAA"}}] * 2
    choice = read(told(candidate(*parts)), request).choices[0]
    assert choice.audio.data[header:] == b"\0" * 6
    if header:
        assert choice.audio.data[:4] == b"RIFF"
        assert int.from_bytes(choice.audio.data[24:28], "little") == 16000
    assert json.loads(choice.provider_fields_json) == {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=16000"}}


def test_a_spoken_answer_that_is_a_file_already() -> None:
    file = wav.write_header(24000, 1, 4) + b"abcd"
    part = {"inlineData": {"mimeType": "audio/wav", "data": b64encode(file).decode()}}
    request = ask()
    assert read(told(candidate(part)), request).choices[0].audio.data == file
    request.audio.format = audio_pb2.AUDIO_FORMAT_PCM_S16LE
    assert read(told(candidate(part)), request).choices[0].audio.data == b"abcd"
    other = {"inlineData": {"mimeType": "audio/mpeg", "data": "AAAA"}}
    assert read(told(candidate(other)), request).choices[0].audio.data == b"\0" * 3


def failure(status: int, error: Any) -> HubError:
    return codec("gemini").decode_error(HttpResponse(status, {}, json.dumps(error).encode()))


RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "33.5s"}
DAILY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
}


def test_a_limit_that_ends_soon_is_no_empty_account() -> None:
    told_of = "You exceeded your current quota, please check your plan and billing details."
    error = {"code": 429, "message": told_of, "status": "RESOURCE_EXHAUSTED", "details": [RETRY]}
    limited = failure(429, {"error": error})
    assert isinstance(limited, ProviderRateLimited)
    assert limited.retry_after == 33.5
    assert told_of in limited.message
    assert isinstance(failure(429, [{"error": error}]), ProviderRateLimited)
    for details in ([], [RETRY, DAILY], None, [{"@type": RETRY["@type"], "retryDelay": "soon"}]):
        assert isinstance(failure(429, {"error": {**error, "details": details}}), ProviderQuotaExceeded)


def test_what_is_wrong_names_its_field() -> None:
    details = [
        {
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": "generation_config.top_k", "description": "must be 1 or more"}],
        }
    ]
    error = failure(400, {"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT", "details": details}})
    assert isinstance(error, ProviderRejected)
    assert [(one.field, one.description) for one in error.fields] == [("top_k", "must be 1 or more")]


def test_an_error_of_status_200_is_one() -> None:
    with pytest.raises(ProviderRateLimited):
        read([{"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}])
    with pytest.raises(ProviderBadResponse):
        read(b"[]")
