"""The real program against a server on a real socket: what it prints where, and its exit status."""

import json
from pathlib import Path

import pytest
from aignehub.admin.v1 import key_service_pb2
from aignehub.v1 import chat_service_pb2, model_service_pb2

from server import __version__
from tests.unit.cli.conftest import RunningHub
from tests.unit.cli.program import Ended, run
from tests.unit.cli.stand_in import SECRET


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


async def ask(hub: RunningHub, folder: Path, *arguments: str, text: bytes | None = None, **more: str) -> Ended:
    return await run(folder, *arguments, text=text, HUB_ADDRESS=hub.address, **more)


async def test_an_answer_goes_to_standard_output_and_the_rest_beside_it(hub: RunningHub, folder: Path) -> None:
    ended = await ask(hub, folder, "chat", "-m", "echo", "hello", "there", "--usage")
    assert (ended.out, ended.status) == ("hello there \n", 0)
    assert ended.err.splitlines() == [
        "note: dropped or changed for this provider: seed",
        "usage: 3 input + 4 output = 7 tokens (1 cached); p/m",
    ]


async def test_every_option_of_a_chat_arrives(hub: RunningHub, folder: Path) -> None:
    (folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "s.json").write_text("{}")
    ended = await ask(
        hub, folder, "chat", "--model", "p/m", "--system", "be kind", "--max-tokens", "9", "--temperature", "0",
        "--image", "a.png", "--image", "https://example.com/b.png", "--schema", "s.json", "--metadata", "a=b",
        "--deadline", "7", "hi",
    )  # fmt: skip
    assert ended.status == 0
    (request,) = hub.stand_in.requests
    assert isinstance(request, chat_service_pb2.CreateChatCompletionRequest)
    assert (request.model, request.max_completion_tokens, dict(request.metadata)) == ("p/m", 9, {"a": "b"})
    assert request.HasField("temperature")
    system, user = request.messages
    assert system.content[0].text == "be kind"
    assert [part.WhichOneof("part") for part in user.content] == ["image", "image", "text"]
    assert request.response_format.json_schema.schema_json == "{}"
    assert hub.stand_in.time_remaining is not None
    assert 0 < hub.stand_in.time_remaining <= 7


async def test_without_a_model_the_hub_chooses_and_without_a_deadline_it_waits(hub: RunningHub, folder: Path) -> None:
    await ask(hub, folder, "chat", "hi")
    (request,) = hub.stand_in.requests
    assert isinstance(request, chat_service_pb2.CreateChatCompletionRequest)
    assert request.model == ""
    assert hub.stand_in.time_remaining is None


@pytest.mark.parametrize("words", [(), ("-",)])
async def test_a_pipe_is_the_question(hub: RunningHub, folder: Path, words: tuple[str, ...]) -> None:
    ended = await ask(hub, folder, "chat", *words, text="grüße\n".encode())
    assert ended.out == "grüße \n"


async def test_a_dash_puts_the_pipe_where_it_stands(hub: RunningHub, folder: Path) -> None:
    ended = await ask(hub, folder, "chat", "sum up:", "-", text=b"one two\n")
    assert ended.out == "sum up: one two \n"


async def test_json_is_a_line_a_chunk_or_the_whole_answer(hub: RunningHub, folder: Path) -> None:
    streamed = await ask(hub, folder, "chat", "--json", "a b")
    chunks = [json.loads(line) for line in streamed.out.splitlines()]
    assert [c["choices"][0].get("content") for c in chunks] == ["a ", "b ", None]
    assert chunks[-1]["usage"]["totalTokens"] == 7
    whole = await ask(hub, folder, "chat", "--json", "--no-stream", "a b")
    assert json.loads(whole.out)["choices"][0]["message"]["content"] == [{"text": "a b"}]
    assert streamed.err == whole.err == ""


async def test_without_streaming_the_text_is_the_same(hub: RunningHub, folder: Path) -> None:
    assert (await ask(hub, folder, "chat", "--no-stream", "a b")).out == "a b\n"


async def test_reasoning_stays_out_of_a_pipe_and_escapes_stay_in(hub: RunningHub, folder: Path) -> None:
    assert (await ask(hub, folder, "chat", "-m", "think", "hi")).out == "hi \n"
    assert (await ask(hub, folder, "chat", "-m", "sly", "hi")).out.startswith("\x1b]52;c;aGk=\x07safe")


async def test_an_answer_cut_short_says_so(hub: RunningHub, folder: Path) -> None:
    assert "--max-tokens" in (await ask(hub, folder, "chat", "-m", "brief", "hi")).err


async def test_a_broken_answer_is_shown_so_far_and_is_a_failure(hub: RunningHub, folder: Path) -> None:
    ended = await ask(hub, folder, "chat", "-m", "cut", "some words")
    assert (ended.out, ended.status) == ("some \n", 1)
    assert ended.err == "error: the provider broke off (PROVIDER_UNAVAILABLE)\n"


async def test_a_refusal_is_one_line_with_reason_and_remedy(hub: RunningHub, folder: Path) -> None:
    ended = await ask(hub, folder, "chat", "-m", "refuse", "hi")
    assert (ended.out, ended.status) == ("", 1)
    assert ended.err.startswith("error: the provider's rate")
    assert ended.err.count("\n") == 1
    for told in ("(PROVIDER_RATE_LIMITED)", "try again in 3 s", "https://example.com/limits", "request req-7"):
        assert told in ended.err


async def test_a_deadline_ends_the_wait(hub: RunningHub, folder: Path) -> None:
    ended = await ask(hub, folder, "chat", "-m", "slow", "--deadline", "0.3", "word more")
    assert (ended.out, ended.status) == ("word \n", 1)
    assert "(DEADLINE_EXCEEDED)" in ended.err


async def test_the_key_is_sent_and_a_wrong_one_says_where_it_came_from(hub: RunningHub, folder: Path) -> None:
    hub.stand_in.wants_key = "right"
    assert (await ask(hub, folder, "models", HUB_API_KEY="right")).status == 0
    wrong = await ask(hub, folder, "models", HUB_API_KEY="wrong")
    assert wrong.status == 1
    assert "(API_KEY_INVALID)" in wrong.err
    assert "HUB_API_KEY" in wrong.err
    assert "wrong" not in wrong.err.replace("wrong one", "")
    none = await ask(hub, folder, "models")
    assert "no key was sent" in none.err
    data = folder / "data"
    data.mkdir()
    (data / "key").write_text("right\n")
    (data / "key").chmod(0o600)
    assert (await ask(hub, folder, "models", HUB_DATA_DIR=str(data))).err == ""


async def test_models_of_every_page(hub: RunningHub, folder: Path) -> None:
    ended = await ask(hub, folder, "models")
    assert [line.split()[0] for line in ended.out.splitlines()] == ["MODEL", "a/one", "a/two", "b/three"]
    of_one = await ask(hub, folder, "models", "--provider", "b", "--json")
    assert [model["id"] for model in json.loads(of_one.out)["models"]] == ["b/three"]
    assert isinstance(hub.stand_in.requests[-1], model_service_pb2.ListModelsRequest)
    assert ended.out.splitlines()[1].split()[1:] == ["chat,", "tools", "128k", "-", "0.15", "in,", "0.60", "out"]


async def test_models_that_can_do_something(hub: RunningHub, folder: Path) -> None:
    await ask(hub, folder, "models", "--can", "json-schema", "--can", "chat")
    request = hub.stand_in.requests[-1]
    assert isinstance(request, model_service_pb2.ListModelsRequest)
    assert list(request.capabilities) == [
        model_service_pb2.MODEL_CAPABILITY_JSON_SCHEMA,
        model_service_pb2.MODEL_CAPABILITY_CHAT,
    ]
    wrong = await ask(hub, folder, "models", "--can", "fly")
    assert wrong.status == 2
    assert "fly is no capability; there are chat, embedding" in " ".join(wrong.err.replace("│", "").split())


async def test_status_is_also_the_exit_status(hub: RunningHub, folder: Path) -> None:
    fine = await ask(hub, folder, "status")
    assert fine.status == 0
    assert fine.out.startswith("hub: available\nrelease 9.9, up ")
    assert "rate limited  1 of 2" in fine.out
    missing = await ask(hub, folder, "status", "none/x")
    assert missing.status == 1
    assert missing.out.startswith(
        "none/x: not available: no provider is configured for none/x; add one under providers"
    )
    assert "(NO_PROVIDER)" in missing.out
    assert json.loads((await ask(hub, folder, "status", "none/x", "--json")).out)["reason"]["code"] == 14


async def test_a_watch_prints_every_change(hub: RunningHub, folder: Path) -> None:
    ended = await ask(hub, folder, "status", "--watch")
    assert [line.split(" ", 1)[1].split(":")[1] for line in ended.out.splitlines()] == [" available", " not available"]
    assert ended.status == 1


async def test_a_new_secret_is_alone_on_standard_output(hub: RunningHub, folder: Path) -> None:
    made = await ask(
        hub, folder, "keys", "create", "--name", "ci", "--admin", "--method", "grpc.*", "--model", "a/*",
        "--concurrency", "3", "--expires", "30d", "--label", "team=x",
    )  # fmt: skip
    assert made.out == SECRET + "\n"
    assert "key k1 made, ends 20" in made.err
    (request,) = hub.stand_in.requests
    assert isinstance(request, key_service_pb2.CreateKeyRequest)
    key = request.key
    assert list(key.allowed_methods) == ["aignehub.v1.*", "aignehub.admin.v1.*", "grpc.*"]
    assert (list(key.allowed_models), key.limits.concurrent_calls, dict(key.labels)) == (["a/*"], 3, {"team": "x"})
    rotated = await ask(hub, folder, "keys", "rotate", "k1", "--grace", "1h")
    assert rotated.out == SECRET + "2\n"
    request = hub.stand_in.requests[-1]
    assert isinstance(request, key_service_pb2.RotateKeyRequest)
    assert request.grace_period.seconds == 3600


async def test_keys_are_listed_shown_and_revoked(hub: RunningHub, folder: Path) -> None:
    listed = await ask(hub, folder, "keys", "list")
    assert listed.out.splitlines()[1].split() == ["k1", "ci", "active", "2023-11-14T22:13:20Z", "-", "-"]
    assert json.loads((await ask(hub, folder, "keys", "list", "--json")).out)["keys"][0]["displayName"] == "ci"
    assert "self" in (await ask(hub, folder, "keys", "show")).out
    assert json.loads((await ask(hub, folder, "keys", "show", "k1", "--json")).out)["id"] == "k1"
    revoked = await ask(hub, folder, "keys", "revoke", "k1")
    assert (revoked.out, revoked.err, revoked.status) == ("", "key k1 is revoked\n", 0)
    missing = await ask(hub, folder, "keys", "show", "zz")
    assert (missing.err, missing.status) == ("error: no key has this id (KEY_NOT_FOUND)\n", 1)


async def test_tokens_are_counted(hub: RunningHub, folder: Path) -> None:
    assert (await ask(hub, folder, "count-tokens", "a", "b")).out == "2 (estimated)\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nonsense"], "hub --help"),
        (["chat", "--nope"], "hub chat --help"),
        (["chat"], "nothing to ask"),
        (["chat", "--max-tokens", "many", "x"], "--max-tokens"),
        (["chat", "--deadline", "soon", "x"], "--deadline"),
        (["chat", "--image", "none.png", "x"], "--image"),
        (["chat", "--address", "https://x", "y"], "host:port"),
        (["keys", "rotate"], "KEY_ID"),
        (["keys", "create", "--api-key", "x"], "--api-key"),
        (["serve", "--port", "1"], "hub serve --help"),
    ],
)
async def test_a_wrong_command_is_one_line_and_status_2(folder: Path, arguments: list[str], says: str) -> None:
    ended = await run(folder, *arguments)
    assert (ended.out, ended.status) == ("", 2)
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert says in ended.err


async def test_a_hub_that_is_not_there_says_how_to_start_one(folder: Path) -> None:
    for address in ("127.0.0.1:1", "unix:/nowhere/hub.sock"):
        ended = await run(folder, "chat", "--address", address, "hi")
        assert (ended.out, ended.status) == ("", 1)
        assert "hub serve --dev" in ended.err
        assert ended.err.count("\n") == 1


async def test_help_and_version(folder: Path) -> None:
    bare, asked = await run(folder), await run(folder, "--help")
    assert bare == asked
    assert asked.status == 0
    for command in ("serve", "chat", "count-tokens", "models", "status", "keys", "version"):
        assert f"\n  {command} " in asked.out
    assert (await run(folder, "keys")).out == (await run(folder, "keys", "--help")).out
    assert (await run(folder, "version")).out == f"hub {__version__}\n"


@pytest.mark.parametrize(
    "command", ["serve", "chat", "count-tokens", "models", "status", "version", "keys create", "keys list", "keys show",
                "keys rotate", "keys revoke"],
)  # fmt: skip
async def test_every_command_helps_with_an_example(folder: Path, command: str) -> None:
    ended = await run(folder, *command.split(), "--help")
    assert ended.status == 0
    assert f"    hub {command} " in ended.out + " " or f"    hub {command}\n" in ended.out
    assert "\x1b" not in ended.out
