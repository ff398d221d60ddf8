import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import (
    ContentFiltered,
    ContextLengthExceeded,
    HubError,
    InvalidArgument,
    ModelNotFound,
    ProviderBadResponse,
    ProviderCredentialInvalid,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRegionRefused,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)
from server.wire.http import HttpResponse
from server.wire.provider_errors import MAX_MESSAGE_BYTES, error_in, read_error


def error(status: int, body: Any, **headers: str) -> HubError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_error(HttpResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw))


def openai(message: str, code: str | None = None, type: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": type, "param": None, "code": code}}


def test_deepseek_calls_its_complaints_octets() -> None:
    told = openai("Failed to deserialize the JSON body", type="invalid_request_error")
    found = error(400, told, content_type="application/octet-stream")
    assert isinstance(found, ProviderRejected)
    assert "deserialize" in found.message


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        # By status where the body says nothing of its own.
        (400, {}, ProviderRejected),
        (401, {}, ProviderCredentialInvalid),
        (402, {}, ProviderQuotaExceeded),
        (403, {}, ProviderCredentialInvalid),
        (404, {}, ModelNotFound),
        (405, {}, ProviderRejected),
        (408, {}, ProviderTimeout),
        (409, {}, ProviderRejected),
        (410, {}, ModelNotFound),
        (413, {}, InvalidArgument),
        (422, {}, ProviderRejected),
        (429, {}, ProviderRateLimited),
        (451, {}, ProviderRegionRefused),
        (498, {}, ProviderUnavailable),
        (500, {}, ProviderUnavailable),
        (502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", ProviderUnavailable),
        (503, b"", ProviderUnavailable),
        (504, b"", ProviderTimeout),
        (520, b"", ProviderUnavailable),
        (524, b"", ProviderTimeout),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, ProviderUnavailable),
        (302, b"", ProviderBadResponse),
        # By meaning.
        (400, openai("The model `x` does not exist", "model_not_found"), ModelNotFound),
        (400, openai("x is not a valid model ID"), ModelNotFound),
        (400, openai("Model Not Exist"), ModelNotFound),
        (403, openai("Project `p` does not have access to model `x`", "model_not_found"), ModelNotFound),
        (404, {"error": "model 'llama9' not found"}, ModelNotFound),
        (
            400,
            {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xai-abc123def"},
            ProviderCredentialInvalid,
        ),
        (
            400,
            {"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}},
            ProviderCredentialInvalid,
        ),
        (401, {"detail": "Invalid API Key"}, ProviderCredentialInvalid),
        (429, openai("You exceeded your current quota", "insufficient_quota"), ProviderQuotaExceeded),
        (402, {"error": {"message": "Insufficient Balance", "type": "unknown_error"}}, ProviderQuotaExceeded),
        (400, {"type": "error", "error": {"message": "Your credit balance is too low"}}, ProviderQuotaExceeded),
        (
            403,
            {"code": "x", "error": "Your team has run out of available credits or reached its monthly spending limit."},
            ProviderQuotaExceeded,
        ),
        (429, openai("Quota exceeded for requests per minute"), ProviderRateLimited),
        (
            413,
            openai("Request too large for model on tokens per minute (TPM)", "rate_limit_exceeded", "tokens"),
            ProviderRateLimited,
        ),
        (
            400,
            openai("This model's maximum context length is 8192 tokens.", "context_length_exceeded"),
            ContextLengthExceeded,
        ),
        (400, openai("prompt too long; exceeded max context length by 11 tokens"), ContextLengthExceeded),
        (
            400,
            openai("The input token count (1250074) exceeds the maximum number of tokens allowed (1048576)."),
            ContextLengthExceeded,
        ),
        (400, openai("User location is not supported for the API use."), ProviderRegionRefused),
        (422, {"detail": [{"loc": ["body", "messages"], "msg": "prompt is too long"}]}, ContextLengthExceeded),
        (400, openai("The response was filtered", "content_filter"), ContentFiltered),
        (403, {"error": "Content violates usage guidelines. Team: x, API key ID: y"}, ContentFiltered),
        (403, {"error": {"message": "failed check: SAFETY_CHECK_TYPE_BIO"}}, ContentFiltered),
        (
            403,
            openai("Country, region, or territory not supported", "unsupported_country_region_territory"),
            ProviderRegionRefused,
        ),
        (403, {"error": "This model is not available in your region."}, ProviderRegionRefused),
        (403, {"error": "You are temporarily blocked. Try again later."}, ProviderUnavailable),
        (403, {"error": {"message": "Forbidden"}}, ProviderCredentialInvalid),
        (500, openai("The engine is currently overloaded", type="server_error"), ProviderUnavailable),
        (400, openai("Unsupported parameter: 'temperature'", "unsupported_parameter"), ProviderRejected),
        (
            404,
            {"error": {"type": "invalid_request_error", "code": "DeploymentNotFound", "message": "no"}},
            ModelNotFound,
        ),
    ],
)
def test_an_error_goes_by_meaning(status: int, body: Any, expected: type[HubError]) -> None:
    found = error(status, body)
    assert isinstance(found, expected)
    if expected is not InvalidArgument:
        assert type(found) is expected
    assert found.metadata["providerStatus"] == str(status)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (openai("the words"), "the words"),
        ({"type": "error", "error": {"type": "x", "message": "the words"}}, "the words"),
        ({"message": "the words"}, "the words"),
        ({"detail": "the words"}, "the words"),
        ({"detail": [{"loc": ["body", "n"], "msg": "the words"}]}, "body.n: the words"),
        ({"code": "c", "error": "the words"}, "the words"),
        ({"error": "the words"}, "the words"),
        ([{"error": {"message": "the words"}}], "the words"),
        ("the words", "the words"),
        (b"the words", "the words"),
        (b"<html><style>p{}</style><p>the words</p></html>", "the words"),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": "the words"}}}, "the words"),
    ],
)
def test_every_shape_tells_its_message(body: Any, told: str) -> None:
    assert told in error(422, body).message


def test_the_code_and_the_field_are_told() -> None:
    found = error(400, {"error": {"message": "m", "type": "t", "code": "unsupported_value", "param": "messages[3]"}})
    assert found.metadata == {"providerStatus": "400", "providerCode": "unsupported_value"}
    assert [(field.field, field.description) for field in found.fields] == [("messages[3]", "m")]


def test_a_refused_credential_tells_nothing_of_the_provider_words() -> None:
    found = error(401, openai("Incorrect API key provided: hunter2secret.", "invalid_api_key"))
    assert "hunter2secret" not in found.message
    assert found.fields == ()


def test_the_message_is_redacted_and_cut() -> None:
    found = error(400, openai("bad sk-abcdefgh1234 " + "é" * 5000))
    assert "sk-abc" not in found.message
    assert len(found.message.encode()) < MAX_MESSAGE_BYTES + 100
    assert found.message.endswith("…")


def test_control_characters_do_not_reach_the_caller() -> None:
    assert "\x1b" not in error(400, openai("a\x1b[31m\x00b\r\nc")).message


def test_the_wait_is_told() -> None:
    assert error(429, {}, retry_after="7").retry_after == 7
    assert error(503, {}, retry_after="8").retry_after == 8


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"error": {"message": "Rate limit exceeded", "code": 429}}, ProviderRateLimited),
        ({"error": {"message": "no", "code": "502"}}, ProviderUnavailable),
        ({"error": {"message": "no", "status_code": 400, "code": "tool_use_failed"}}, ProviderRejected),
        ({"error": {"message": "boom", "type": "server_error"}}, ProviderUnavailable),
        ({"error": {"message": "boom", "type": "invalid_request_error"}}, ProviderRejected),
        ({"error": "boom"}, ProviderUnavailable),
        ({"code": 401, "error": "no"}, ProviderCredentialInvalid),
    ],
)
def test_an_error_inside_a_good_answer(answer: dict[str, Any], expected: type[HubError]) -> None:
    assert type(error_in(answer)) is expected


@pytest.mark.parametrize("nothing", [None, "", {}, [], False])
def test_an_empty_error_is_none(nothing: Any) -> None:
    assert error_in({"error": nothing}) is None


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "message", "code", "type", "detail", "param", "metadata", "raw", "innererror", "msg", "loc"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.integers(100, 999), _json | st.binary(max_size=200))
def test_reading_never_raises(status: int, body: Any) -> None:
    found = error(status, body)
    assert isinstance(found, HubError)
    assert len(found.message.encode()) < MAX_MESSAGE_BYTES + 200


def test_hostile_bodies_are_only_errors() -> None:
    for body in (b"[" * 200_000, b'{"error":' * 50_000, b'{"error":1e999999}', b"\xff\xfe", b"9" * 5000):
        assert isinstance(read_error(HttpResponse(500, {}, body)), ProviderUnavailable)
