"""Bedrock's lists of models, damaged."""

import json
from typing import Any

import pytest

from server.errors import HubError, ProviderBadResponse, ProviderCredentialInvalid, ProviderRateLimited
from server.wire.bedrock.model_list import BedrockModelList
from server.wire.http import HttpResponse

MODEL: dict[str, Any] = {
    "modelId": "m",
    "modelName": "M",
    "inputModalities": ["TEXT"],
    "outputModalities": ["TEXT"],
    "inferenceTypesSupported": ["ON_DEMAND"],
    "modelLifecycle": {"endOfLifeTime": "2027-01-01T00:00:00Z"},
}
PROFILE = {"inferenceProfileId": "us.m", "inferenceProfileName": "US M", "status": "ACTIVE"}
CODEC = BedrockModelList()


def read(body: Any) -> Any:
    return CODEC.decode(HttpResponse(200, {}, body if isinstance(body, bytes) else json.dumps(body).encode()))


@pytest.mark.parametrize("damage", [None, 3, "x", [None, 3, {}], {"a": [1]}, ...])
@pytest.mark.parametrize(
    ("name", "entry", "key"),
    [("modelSummaries", MODEL, "modelId"), ("inferenceProfileSummaries", PROFILE, "inferenceProfileId")],
)
def test_every_field_may_be_anything(name: str, entry: dict[str, Any], key: str, damage: Any) -> None:
    for field in entry:
        changed = {one: damage if one == field else value for one, value in entry.items()}
        if damage is ...:
            del changed[field]
        page = read({name: [changed, None, [], "x"]})
        assert {model.id for model in page.models} <= {entry[key], "x"}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"null", b'{"models": []}', b"<html>"])
def test_what_is_no_list_is_one_clear_error(body: bytes) -> None:
    with pytest.raises(ProviderBadResponse):
        read(body)


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (403, "UnrecognizedClientException", ProviderCredentialInvalid),
        (429, "ThrottlingException", ProviderRateLimited),
    ],
)
def test_a_bad_key_is_one_and_haste_is_haste(status: int, kind: str, error: type[HubError]) -> None:
    told = CODEC.decode_error(HttpResponse(status, {"x-amzn-errortype": kind}, b'{"message": "no"}'))
    assert type(told) is error
