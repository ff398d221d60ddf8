"""Bedrock's lists of models, which live at another host than its calls: reached through a proxy that plays both."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aignehub.v1 import model_service_pb2 as pb
from aiohttp import web

from server.models.vocabulary import CAPABILITIES
from server.providers.registry import PROVIDERS
from tests.fake_provider import FakeProvider
from tests.running import running_hub, until

# As https://docs.aws.amazon.com/bedrock/latest/APIReference/API_FoundationModelSummary.html has them.
MODELS = [
    {
        "modelId": "amazon.nova-lite-v1:0",
        "modelName": "Nova Lite",
        "inputModalities": ["TEXT", "IMAGE", "VIDEO"],
        "outputModalities": ["TEXT"],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE", "endOfLifeTime": "2027-09-14T00:00:00Z"},
    },
    {"modelId": "amazon.titan-embed-text-v2:0", "outputModalities": ["EMBEDDING"], "inputModalities": ["TEXT"]},
    {"modelId": "amazon.nova-canvas-v1:0", "outputModalities": ["IMAGE"], "inputModalities": ["TEXT", "IMAGE"]},
    {"modelId": "amazon.nova-reel-v1:0", "outputModalities": ["VIDEO"]},
    {"modelId": "anthropic.claude-sonnet-5", "inferenceTypesSupported": ["INFERENCE_PROFILE"]},
    {"modelId": "amazon.nova-lite-v1:0:300k", "inferenceTypesSupported": ["PROVISIONED"]},
    {"modelName": "nameless"},
    "no model",
]
PROFILES = [
    {"inferenceProfileId": "eu.anthropic.claude-sonnet-5", "inferenceProfileName": "EU Sonnet", "status": "ACTIVE"},
    {"inferenceProfileId": "eu.gone", "status": "LEGACY"},
]


async def aws(request: web.Request) -> web.Response:
    if request.path == "/foundation-models":
        return web.json_response({"modelSummaries": MODELS})
    if "nextToken" not in request.query:
        return web.json_response({"inferenceProfileSummaries": PROFILES, "nextToken": "a/b="})
    return web.json_response({"inferenceProfileSummaries": [{"inferenceProfileId": "global.anthropic.claude-opus-5"}]})


def bedrock(fake: FakeProvider) -> dict[str, Any]:
    return {
        "name": "bedrock",
        "base_url": "http://bedrock-runtime.eu-west-1.amazonaws.com",
        "api_keys": ["ASIAEXAMPLE123456:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"],
        "proxy": fake.base_url.removesuffix("/v1"),
    }


async def test_models_and_profiles_are_listed(tmp_path: Path) -> None:
    async with FakeProvider(aws) as fake:
        settings: Mapping[str, Any] = {"providers": [bedrock(fake)], "models": {"ask_providers": True}}
        async with running_hub(tmp_path, **settings) as hub:
            await until(lambda: len(fake.seen) == 3)
            listed = await hub.models.ListModels(pb.ListModelsRequest(), metadata=hub.auth, timeout=5)
            known = {one.id.removeprefix("bedrock/"): one for one in listed.models}
    # The list leaves models out, and so the place of all others is told as well.
    assert sorted(known) == [
        "*",
        "amazon.nova-canvas-v1:0",
        "amazon.nova-lite-v1:0",
        "amazon.titan-embed-text-v2:0",
        "eu.anthropic.claude-sonnet-5",
        "global.anthropic.claude-opus-5",
    ]
    lite = known["amazon.nova-lite-v1:0"]
    assert (lite.display_name, lite.shutdown_time.seconds) == ("Nova Lite", 1_820_880_000)
    assert CAPABILITIES["chat"] in lite.capabilities
    assert len(lite.input_modalities) >= 3
    assert list(known["amazon.titan-embed-text-v2:0"].capabilities) == [CAPABILITIES["embedding"]]
    assert CAPABILITIES["chat"] in known["eu.anthropic.claude-sonnet-5"].capabilities
    assert {seen.headers["Host"] for seen in fake.seen} == {"bedrock.eu-west-1.amazonaws.com"}
    assert [seen.raw_path.rpartition("amazonaws.com")[2] for seen in fake.seen] == [
        "/foundation-models",
        "/inference-profiles?maxResults=1000",
        "/inference-profiles?maxResults=1000&nextToken=a%2Fb%3D",
    ]
    for seen in fake.seen:
        assert "/eu-west-1/bedrock/aws4_request" in seen.headers["Authorization"]


async def test_a_key_that_may_not_list_is_told_what_it_lacks(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async def denies(_: web.Request) -> web.Response:
        words = "User: arn:aws:iam::1:user/hub is not authorized to perform: bedrock:ListFoundationModels"
        return web.json_response({"message": words}, status=403, headers={"x-amzn-errortype": "AccessDeniedException"})

    async with FakeProvider(denies) as fake:
        settings: Mapping[str, Any] = {"providers": [bedrock(fake)], "models": {"ask_providers": True}}
        async with running_hub(tmp_path, **settings) as hub:
            await until(lambda: bool(fake.seen))
            listed = await hub.models.ListModels(pb.ListModelsRequest(), metadata=hub.auth, timeout=5)
    assert [one.id for one in listed.models] == ["bedrock/*"]
    logged = "".join(capfd.readouterr())
    assert "allow it bedrock:ListFoundationModels" in logged
    assert "PROVIDER_CREDENTIAL_INVALID" not in logged


@pytest.mark.parametrize(
    ("base_url", "lists"),
    [
        ("https://bedrock-runtime.us-east-1.amazonaws.com", "https://bedrock.us-east-1.amazonaws.com"),
        (
            "https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com",
            "https://bedrock-fips.us-gov-west-1.amazonaws.com",
        ),
        ("https://bedrock-runtime.cn-north-1.amazonaws.com.cn", "https://bedrock.cn-north-1.amazonaws.com.cn"),
        ("https://vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com", ""),
        ("https://gateway.example.com/bedrock", ""),
    ],
)
def test_where_the_lists_are(base_url: str, lists: str) -> None:
    assert PROVIDERS["bedrock"].list_address(base_url) == lists
