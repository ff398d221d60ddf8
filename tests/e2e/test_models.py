"""ModelService through the front door: what is configured, what providers list, and what is known of both."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.admin.v1 import provider_service_pb2
from aignehub.v1 import model_service_pb2 as pb
from aiohttp import web

from server.errors import ConfigError
from server.models.vocabulary import CAPABILITIES, PRICES
from tests.fake_provider import Answer, FakeProvider, answers, hangs
from tests.running import RunningHub, bearer, failure, provider, running_hub, until

ASKING = {"ask_providers": True, "timeout": 5}


def listed(*names: str, **more: Any) -> Answer:
    return answers(
        {"object": "list", "data": [{"id": name, "object": "model", "created": 5} for name in names], **more}
    )


@asynccontextmanager
async def hub_with(
    answer: Answer,
    folder: Path,
    *,
    kind: str = "openai",
    asking: dict[str, Any] | None = None,
    **instance: Any,
) -> AsyncIterator[tuple[RunningHub, FakeProvider]]:
    """A hub that asks one fake provider for its list."""
    async with FakeProvider(answer) as upstream:
        settings = provider(upstream.base_url, name="up", kind=kind) | instance
        async with running_hub(folder, providers=[settings], models={**ASKING, **(asking or {})}) as hub:
            yield hub, upstream


async def ids(hub: RunningHub, key: str = "", **request: Any) -> list[str]:
    metadata = bearer(key) if key else hub.auth
    answer = await hub.models.ListModels(pb.ListModelsRequest(**request), metadata=metadata, timeout=5)
    return [model.id for model in answer.models]


async def model(hub: RunningHub, name: str) -> pb.Model:
    answer = await hub.models.GetModel(pb.GetModelRequest(model=name), metadata=hub.auth, timeout=5)
    return answer.model


def words(found: pb.Model) -> list[str]:
    return [word for word, number in CAPABILITIES.items() if number in found.capabilities]


def price(found: pb.Model, word: str) -> int:
    return next(one.nano_usd for one in found.prices if one.unit == PRICES[word])


async def test_a_providers_own_list_is_told_with_what_is_known_of_each(tmp_path: Path) -> None:
    async with hub_with(listed("gpt-5", "text-embedding-3-small", "sora-2", "brand-new"), tmp_path) as (hub, upstream):
        # What the hub cannot serve is left out, and the list is whole: nothing stands for others.
        assert await ids(hub) == ["up/brand-new", "up/gpt-5", "up/text-embedding-3-small"]
        found = await model(hub, "up/gpt-5")
        assert words(found) == ["chat", "tools", "json_schema", "reasoning"]
        assert (found.max_input_tokens, found.create_time.seconds) == (272_000, 5)
        assert price(found, "input") == 1_250_000_000
        assert words(await model(hub, "up/text-embedding-3-small")) == ["embedding"]
        assert words(await model(hub, "up/brand-new")) == ["chat"]
        assert words(await model(hub, "up/unheard-of")) == ["chat"], "names that are not listed pass through"
    assert [(seen.method, seen.raw_path, seen.body) for seen in upstream.seen] == [("GET", "/v1/models", b"")]
    assert upstream.seen[0].headers["Authorization"] == "Bearer sk-test-upstream-key"


async def test_filters_are_of_provider_and_of_every_capability(tmp_path: Path) -> None:
    async with hub_with(listed("gpt-5", "text-embedding-3-small", "whisper-1"), tmp_path) as (hub, _):
        assert await ids(hub, capabilities=[pb.MODEL_CAPABILITY_EMBEDDING]) == ["up/text-embedding-3-small"]
        both = [pb.MODEL_CAPABILITY_TRANSCRIPTION, pb.MODEL_CAPABILITY_LIVE_TRANSCRIPTION]
        assert await ids(hub, capabilities=both) == ["up/whisper-1"]
        assert await ids(hub, capabilities=[*both, pb.MODEL_CAPABILITY_CHAT]) == []
        assert len(await ids(hub, provider="up")) == 3


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"capabilities": [pb.MODEL_CAPABILITY_CHAT, 99]}, "capabilities[1]"),
        ({"capabilities": [pb.MODEL_CAPABILITY_UNSPECIFIED]}, "capabilities[0]"),
        ({"provider": "other"}, "provider"),
        ({"provider": "not-reached"}, "provider"),
    ],
)
async def test_a_filter_that_nothing_can_pass_is_refused(tmp_path: Path, request_: dict[str, Any], field: str) -> None:
    providers = [provider("http://127.0.0.1:1/v1", name, "openai") for name in ("up", "not-reached")]
    async with running_hub(tmp_path, providers=providers) as hub:
        key = await hub.new_key(allowed_models=["up/*"])
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await ids(hub, key, **request_)
    told = failure(raised.value)
    assert told.code == grpc.StatusCode.INVALID_ARGUMENT
    assert told.bad_request.field_violations[0].field == field
    assert "not-reached" not in told.bad_request.field_violations[0].description


async def test_names_of_the_operators_own_are_listed_and_what_is_off_is_not(tmp_path: Path) -> None:
    providers = [
        provider("http://127.0.0.1:1/v1", "a", "openai", models=["gpt-5"], models_closed=True),
        provider("http://127.0.0.1:1/v1", "b", "openai", models=["text-embedding-3-small"], models_closed=True),
    ]
    groups = {"both": ["a/gpt-5", "b/text-embedding-3-small"], "nowhere": ["groq/x"]}
    async with running_hub(tmp_path, providers=providers, groups=groups, aliases={"smart": "a/gpt-5"}) as hub:
        assert await ids(hub) == ["a/gpt-5", "b/text-embedding-3-small", "both", "smart"]
        assert await ids(hub, provider="a") == ["a/gpt-5", "smart"]
        assert await ids(hub, capabilities=[pb.MODEL_CAPABILITY_EMBEDDING]) == ["b/text-embedding-3-small", "both"]
        key = await hub.new_key(allowed_models=["b/*"])
        assert await ids(hub, key) == ["b/text-embedding-3-small", "both"]
        both, smart = await model(hub, "both"), await model(hub, "smart")
        assert (both.id, both.provider, words(both)[:2]) == ("both", "", ["chat", "tools"])
        assert {"chat", "embedding"} <= set(words(both))
        assert (smart.id, smart.provider, list(smart.aliases)) == ("smart", "a", ["a/gpt-5"])
        assert smart.max_input_tokens == 272_000
        off = provider_service_pb2.UpdateProviderRequest(provider="a", enabled=False)
        await hub.providers.UpdateProvider(off, metadata=hub.auth, timeout=5)
        assert await ids(hub) == ["b/text-embedding-3-small", "both"]
        assert (await model(hub, "both")).id == "both"


async def test_pages_follow_each_other_while_the_list_changes(tmp_path: Path) -> None:
    names = [f"m-{number:02}" for number in range(25)]
    now = {"names": names}

    async def changing(_request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": name} for name in now["names"]]})

    async with hub_with(changing, tmp_path, asking={"interval": 0.05}) as (hub, upstream):
        first = await hub.models.ListModels(pb.ListModelsRequest(page_size=10), metadata=hub.auth, timeout=5)
        now["names"] = ["a-new-one", *names]
        asked = len(upstream.seen)
        await until(lambda: len(upstream.seen) > asked + 1)
        request = pb.ListModelsRequest(page_size=10, page_token=first.next_page_token)
        second = await hub.models.ListModels(request, metadata=hub.auth, timeout=5)
        request.page_token = second.next_page_token
        third = await hub.models.ListModels(request, metadata=hub.auth, timeout=5)
        told = [one.id for page in (first, second, third) for one in page.models]
        assert told == [f"up/{name}" for name in names]
        assert third.next_page_token == ""


@pytest.mark.parametrize("token", ["7", "AQ*", "AnVwL20", "ÿ", "Af8"])
async def test_a_token_of_another_kind_is_refused(token: str, tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.models.ListModels(pb.ListModelsRequest(page_token=token), metadata=hub.auth, timeout=5)
    told = failure(raised.value)
    assert told.code is grpc.StatusCode.INVALID_ARGUMENT
    assert told.bad_request.field_violations[0].field == "page_token"


async def test_rights_are_judged_for_every_listed_model(tmp_path: Path) -> None:
    async with hub_with(listed("gpt-5", "gpt-5-mini", "o3"), tmp_path) as (hub, _):
        family = await hub.new_key(allowed_models=["up/gpt-5*"])
        assert await ids(hub, family) == ["up/gpt-5", "up/gpt-5-mini"]
        none = await hub.new_key(allowed_models=["elsewhere/*"])
        assert await ids(hub, none) == []
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.models.GetModel(pb.GetModelRequest(model="up/o3"), metadata=bearer(family), timeout=5)
        assert failure(raised.value).reason == "MODEL_NOT_ALLOWED"


async def test_a_list_of_several_pages_is_read_to_its_end(tmp_path: Path) -> None:
    async def paged(request: web.Request) -> web.Response:
        after = int(request.query.get("after_id", "0"))
        data = [{"id": str(after + step)} for step in (1, 2)]
        return web.json_response({"data": data, "has_more": after < 4, "last_id": str(after + 2)})

    from dataclasses import replace

    from server.providers.lists import always
    from server.providers.registry import PROVIDERS
    from server.wire import model_lists

    kind = replace(PROVIDERS["openai-compatible"], model_list=always(model_lists.ANTHROPIC))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.app.providers.PROVIDERS", {**PROVIDERS, "openai-compatible": kind})
        async with hub_with(paged, tmp_path, kind="openai-compatible") as (hub, upstream):
            assert await ids(hub) == [f"up/{number}" for number in range(1, 7)]
    assert [seen.raw_path for seen in upstream.seen] == [
        "/v1/v1/models?limit=1000",
        "/v1/v1/models?limit=1000&after_id=2",
        "/v1/v1/models?limit=1000&after_id=4",
    ]


async def test_a_long_list_is_read_as_well(tmp_path: Path) -> None:
    names = [f"model-{number:04}" for number in range(2500)]
    async with hub_with(listed(*names), tmp_path) as (hub, _):
        first = await hub.models.ListModels(pb.ListModelsRequest(page_size=1000), metadata=hub.auth, timeout=5)
        assert len(first.models) == 1000
        request = pb.ListModelsRequest(page_size=1000, page_token=first.next_page_token)
        second = await hub.models.ListModels(request, metadata=hub.auth, timeout=5)
        assert second.models[0].id == "up/model-1000"


async def endless(request: web.Request) -> web.Response:
    number = int(request.query.get("after_id", "0")) + 1
    return web.json_response({"data": [{"id": f"m-{number}"}], "has_more": True, "last_id": str(number)})


async def drips(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.02)


async def enormous(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(17):
        await response.write(b" " * 2**20)
    return response


FAILURES: list[tuple[str, Answer]] = [
    ("refused", answers({"error": {"message": "Incorrect API key provided: sk-test-upstream-key"}}, status=401)),
    ("broken", answers({"error": "x"}, status=500)),
    ("no list", answers({"models_are": "elsewhere"})),
    ("endless", endless),
    ("drips", drips),
    ("enormous", enormous),
    ("hangs", hangs),
]


@pytest.mark.parametrize("answer", [answer for _, answer in FAILURES], ids=[name for name, _ in FAILURES])
async def test_a_list_that_fails_leaves_what_is_configured(
    answer: Answer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    from server.providers.lists import always
    from server.providers.registry import PROVIDERS
    from server.wire import model_lists

    kind = replace(PROVIDERS["openai"], model_list=always(model_lists.ANTHROPIC))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.app.providers.PROVIDERS", {**PROVIDERS, "openai": kind})
        async with hub_with(answer, tmp_path, asking={"timeout": 0.5}) as (hub, _):
            assert await ids(hub) == ["up/*"]
            assert words(await model(hub, "up/gpt-5")) == ["chat", "tools", "json_schema", "reasoning"]
    logged = "".join(capfd.readouterr())
    assert sum("model list failed" in line for line in logged.splitlines()) == 1
    assert "sk-test-upstream-key" not in logged


async def test_a_failure_is_told_once_and_the_last_good_list_is_kept(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.models.directory._FIRST_RETRY_SECONDS", 0.01)
    works = {"now": True}
    serial = count()

    async def sometimes(_request: web.Request) -> web.Response:
        if works["now"]:
            return web.json_response({"data": [{"id": "gpt-5"}]})
        return web.json_response({"error": {"message": f"down, see incident {next(serial)}"}}, status=503)

    async with hub_with(sometimes, tmp_path, asking={"interval": 0.02}) as (hub, upstream):
        assert await ids(hub) == ["up/gpt-5"]
        works["now"] = False
        asked = len(upstream.seen)
        await until(lambda: len(upstream.seen) >= asked + 4)
        assert await ids(hub) == ["up/gpt-5"]
        works["now"] = True
        asked = len(upstream.seen)
        await until(lambda: len(upstream.seen) >= asked + 2)
    lines = [line for line in "".join(capfd.readouterr()).splitlines() if "model list " in line]
    assert ["works again" in line for line in lines] == [False, True]


async def test_an_address_without_a_list_is_told_as_such(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with hub_with(answers({"error": {"message": "Not Found"}}, 404), tmp_path) as (hub, _):
        assert await ids(hub) == ["up/*"]
    (line,) = [line for line in "".join(capfd.readouterr()).splitlines() if "model list " in line]
    assert "no list of models at its address" in line
    assert "base_url" in line
    assert "does not serve this model" not in line


async def test_a_call_waits_but_a_moment_for_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.services.models._WAIT_SECONDS", 0.1)
    async with hub_with(hangs, tmp_path) as (hub, _):
        async with asyncio.timeout(2):
            assert await ids(hub) == ["up/*"]
            assert (await model(hub, "up/gpt-5")).max_output_tokens == 128_000


async def test_a_hub_that_may_not_ask_does_not(tmp_path: Path) -> None:
    async with hub_with(listed("gpt-5"), tmp_path, asking={"ask_providers": False}) as (hub, upstream):
        assert await ids(hub) == ["up/*"]
        assert not upstream.seen


async def test_a_provider_without_a_key_is_not_asked(tmp_path: Path) -> None:
    async with hub_with(listed("gpt-5"), tmp_path, api_keys=[]) as (hub, upstream):
        assert await ids(hub) == ["up/*"]
        assert not upstream.seen


async def test_only_what_is_configured_is_listed_where_the_provider_is_closed(tmp_path: Path) -> None:
    more: dict[str, Any] = {"models_closed": True, "models": [{"name": "gpt-5", "aliases": ["smart"]}]}
    async with hub_with(listed("gpt-5", "o3"), tmp_path, **more) as (hub, _):
        assert await ids(hub) == ["up/gpt-5"]
        assert list((await model(hub, "smart")).aliases) == ["smart"]
        assert (await model(hub, "up/gpt-5")).create_time.seconds == 5, "the list still tells of it"


async def test_the_operator_has_the_last_word(tmp_path: Path) -> None:
    table = tmp_path / "models.yaml"
    table.write_text(
        json.dumps(
            {
                "up/gpt-5": {"max_output_tokens": 7, "prices": {"input": 2}},
                "up/brand-new": {"capabilities": ["chat", "vision"], "prices": {"output": 0.5}},
                "elsewhere/m": {"max_output_tokens": 7},
            }
        )
    )
    more: dict[str, Any] = {"models": [{"name": "gpt-5", "max_output_tokens": 8, "display_name": "Ours"}]}
    async with hub_with(listed("brand-new"), tmp_path, asking={"table": table}, **more) as (hub, _):
        found = await model(hub, "up/gpt-5")
        assert (found.max_input_tokens, found.max_output_tokens, found.display_name) == (272_000, 8, "Ours")
        assert [(one.unit, one.nano_usd) for one in found.prices] == [(PRICES["input"], 2_000_000_000)]
        new = await model(hub, "up/brand-new")
        assert (words(new), len(new.input_modalities)) == (["chat"], 2)
        assert price(new, "output") == 500_000_000


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"models": {"table": "/no/such"}}, "models.table: cannot read /no/such"),
        (
            {"providers": [{"name": "d", "kind": "deepseek", "models": [{"name": "m", "capabilities": ["speech"]}]}]},
            "providers[0].models[0].capabilities: speech is not served",
        ),
    ],
)
async def test_a_hub_does_not_start_on_what_makes_no_sense(settings: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        async with running_hub(tmp_path, **settings):
            pass
    assert told in str(raised.value)


async def test_the_sandbox_tells_what_its_models_do(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        assert words(await model(hub, "sandbox/hear")) == ["transcription", "live_transcription"]
        assert words(await model(hub, "sandbox/tools")) == ["chat", "tools"]
        vision = await model(hub, "sandbox/vision")
        assert len(vision.input_modalities) == 2
        assert not vision.prices
        assert "sandbox/*" in await ids(hub, provider="sandbox")


async def test_a_changed_table_is_taken_into_use(tmp_path: Path) -> None:
    config, table = tmp_path / "hub.yaml", tmp_path / "models.yaml"
    table.write_text("up/gpt-5: {max_output_tokens: 7}")
    providers = [provider("http://127.0.0.1:9", name="up")]
    config.write_text(json.dumps({"providers": providers, "models": {"table": str(table)}}))
    async with running_hub(tmp_path, config=config) as hub:
        assert (await model(hub, "up/gpt-5")).max_output_tokens == 7
        table.write_text("up/gpt-5: {max_output_tokens: 8}")
        await hub.providers.ReloadConfiguration(
            provider_service_pb2.ReloadConfigurationRequest(), metadata=hub.auth, timeout=5
        )
        assert (await model(hub, "up/gpt-5")).max_output_tokens == 8
        table.write_text("up/gpt-5: 8")
        with pytest.raises(grpc.aio.AioRpcError, match=r"models\.table"):
            await hub.providers.ReloadConfiguration(
                provider_service_pb2.ReloadConfigurationRequest(), metadata=hub.auth, timeout=5
            )
        assert (await model(hub, "up/gpt-5")).max_output_tokens == 8
