"""The conversation: instructions apart, turns in alternation, blocks with formats, and what goes back unchanged."""

import base64
import json
from typing import Any

import pytest

from server.errors import HubError, InvalidArgument, UnsupportedByProvider
from tests.unit.wire.support import ask, at, body, encoded

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "us.amazon.nova-pro-v1:0"
LLAMA = "us.meta.llama3-3-70b-instruct-v1:0"
MISTRAL = "mistral.mistral-large-2407-v1:0"
TITAN = "amazon.titan-text-express-v1"
PNG = base64.b64encode(b"\x89PNG").decode()


def user(*content: Any) -> dict[str, Any]:
    return {"role": "ROLE_USER", "content": [{"text": one} if isinstance(one, str) else one for one in content]}


def said(*content: Any, **more: Any) -> dict[str, Any]:
    return {**user(*content), "role": "ROLE_ASSISTANT", **more}


def system(*content: Any) -> dict[str, Any]:
    return {**user(*content), "role": "ROLE_SYSTEM"}


def called(name: str = "f", arguments: str = "{}", **more: Any) -> dict[str, Any]:
    return {"id": "call_1", "function": {"name": name, "arguments_json": arguments}, **more}


def result(*content: Any, **more: Any) -> dict[str, Any]:
    return {**user(*content), "role": "ROLE_TOOL", "tool_call_id": "call_1", **more}


def sent(*messages: Any, model: str = CLAUDE, **more: Any) -> dict[str, Any]:
    return body(ask(messages=list(messages), **more), "bedrock", model)


def adjusted(*messages: Any, model: str = CLAUDE, **more: Any) -> tuple[str, ...]:
    return encoded(ask(messages=list(messages), **more), "bedrock", model).adjusted_fields


def refused(*messages: Any, model: str = CLAUDE, **more: Any) -> HubError:
    with pytest.raises((InvalidArgument, UnsupportedByProvider)) as caught:
        sent(*messages, model=model, **more)
    return caught.value


def test_instructions_go_to_the_top_and_turns_of_one_side_are_one() -> None:
    told = sent(
        system("a"),
        user("1"),
        {**system("b"), "role": "ROLE_DEVELOPER"},
        user("2"),
        said("3"),
        said("4"),
        user("5", "  "),
    )
    assert told["system"] == [{"text": "a"}, {"text": "b"}]
    assert told["messages"] == [
        {"role": "user", "content": [{"text": "1"}, {"text": "2"}]},
        {"role": "assistant", "content": [{"text": "3"}, {"text": "4"}]},
        {"role": "user", "content": [{"text": "5"}]},
    ]


def test_a_model_without_instructions_finds_them_before_the_first_message() -> None:
    told = sent(system("a"), user("b"), model=TITAN)
    assert told == {"messages": [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]}


@pytest.mark.parametrize("messages", [[system("a")], [said("a"), user("b")], [user("  ")]])
def test_the_user_speaks_first(messages: list[Any]) -> None:
    assert refused(*messages).fields[0].field == "messages"


def test_the_model_in_the_path_is_one_segment() -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-5"
    assert encoded(ask(), "bedrock", arn, stream=True).path == (
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude-sonnet-5"
        "/converse-stream"
    )
    assert encoded(ask(), "bedrock", "../x").path == "/model/..%2Fx/converse"
    assert encoded(ask(), "bedrock", CLAUDE).path.endswith("-v1%3A0/converse")


def test_results_of_one_round_stand_in_one_turn_with_what_the_user_says() -> None:
    told = sent(
        user("q"),
        said(tool_calls=[called(arguments='{"b": 2.0, "a": 1}'), called(id="call_2")]),
        result("12", "°C"),
        {**result("bad"), "tool_call_id": "call_2", "tool_error": True},
        user("go on"),
        tools=[{"function": {"name": "f"}}],
    )
    assert told["messages"][1]["content"][0]["toolUse"] == {
        "toolUseId": "call_1",
        "name": "f",
        "input": {"b": 2.0, "a": 1},
    }
    assert told["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": "call_1", "content": [{"text": "12"}, {"text": "°C"}]}},
        {"toolResult": {"toolUseId": "call_2", "content": [{"text": "bad"}], "status": "error"}},
        {"text": "go on"},
    ]
    assert (
        b'{"b": 2.0, "a": 1}'
        in encoded(
            ask(
                messages=[user("q"), said(tool_calls=[called(arguments='{"b": 2.0, "a": 1}')]), result("1")],
                tools=[{"function": {"name": "f"}}],
            ),
            "bedrock",
            CLAUDE,
        ).body
    )


def test_results_that_a_model_reads_as_objects_alone() -> None:
    told = sent(
        user("q"), said(tool_calls=[called()]), result('{"sky": "clear"}', "12", "[1]"), model=MISTRAL,
        tools=[{"function": {"name": "f"}}],
    )  # fmt: skip
    content = at(told, "messages.2.content.0.toolResult.content")
    assert content == [{"json": {"sky": "clear"}}, {"json": {"result": "12"}}, {"json": {"result": "[1]"}}]


def test_a_failed_tool_where_the_model_has_no_mark_for_it() -> None:
    messages = [user("q"), said(tool_calls=[called()]), result("bad", tool_error=True)]
    assert adjusted(*messages, model=LLAMA, tools=[{"function": {"name": "f"}}]) == ("messages[2].tool_error",)


def test_an_id_that_bedrock_does_not_take_is_made_anew_the_same_for_both() -> None:
    odd = "call/" + "x" * 100
    messages = [user("q"), said(tool_calls=[called(id=odd)]), {**result("1"), "tool_call_id": odd}]
    told = sent(*messages, tools=[{"function": {"name": "f"}}])
    use, back = (
        at(told, "messages.1.content.0.toolUse.toolUseId"),
        at(told, "messages.2.content.0.toolResult.toolUseId"),
    )
    assert use == back
    assert use.startswith("tooluse_")
    assert len(use) <= 64


def test_calls_stand_where_they_were_made() -> None:
    told = sent(
        user("q"), said("a", "b", tool_calls=[called(part_index=1), called(id="c2"), called(id="c3", part_index=0)]),
        result("1"), tools=[{"function": {"name": "f"}}],
    )  # fmt: skip
    kinds = [
        block["toolUse"]["toolUseId"] if "toolUse" in block else block["text"]
        for block in told["messages"][1]["content"]
    ]
    assert kinds == ["c3", "a", "call_1", "b", "c2"]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (called(arguments="[1]"), "messages[1].tool_calls[0].function.arguments_json"),
        (called(arguments='{"a'), "messages[1].tool_calls[0].function.arguments_json"),
        (called(name="a.b"), "messages[1].tool_calls[0].function.name"),
        ({"id": "c", "custom": {"name": "f", "input": "x"}}, "messages[1].tool_calls[0].custom"),
    ],
)
def test_calls_that_cannot_be_said(call: Any, field: str) -> None:
    assert refused(user("q"), said(tool_calls=[call]), result("1")).fields[0].field == field


def test_an_empty_arguments_text_is_an_empty_object() -> None:
    told = sent(user("q"), said(tool_calls=[called(arguments="")]), result("1"))
    assert at(told, "messages.1.content.0.toolUse.input") == {}


def thought(**fields: Any) -> dict[str, Any]:
    return {"reasoning": {"provider": "bedrock", **fields}}


SIGNED = thought(text="hm", signature=base64.b64encode(b"EqQB/+9A==").decode())
REDACTED = thought(redacted=True, signature=base64.b64encode(b"cmVkYWN0ZWQ=").decode())


def test_reasoning_goes_back_as_it_came() -> None:
    told = sent(user("q"), said(SIGNED, REDACTED, "a"), user("b"))
    assert told["messages"][1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "EqQB/+9A=="}}},
        {"reasoningContent": {"redactedContent": "cmVkYWN0ZWQ="}},
        {"text": "a"},
    ]
    told = sent(user("q"), said(thought(text="hm"), "a"), user("b"), model="openai.gpt-oss-120b-1:0")
    assert told["messages"][1]["content"][0] == {"reasoningContent": {"reasoningText": {"text": "hm"}}}


@pytest.mark.parametrize(
    ("part", "model"),
    [
        (thought(text="hm"), CLAUDE),
        (thought(text="hm"), "us.deepseek.r1-v1:0"),
        (SIGNED, "openai.gpt-oss-120b-1:0"),
        ({"reasoning": {"provider": "gemini", "text": "hm", "signature": "c2ln"}}, CLAUDE),
        ({"reasoning": {"provider": "anthropic", "redacted": True, "signature": "c2ln"}}, CLAUDE),
    ],
)
def test_reasoning_that_the_model_does_not_take_back(part: Any, model: str) -> None:
    messages = [user("q"), said(part, "a"), user("b")]
    assert adjusted(*messages, model=model) == ("messages[1].content[0].reasoning",)
    assert at(sent(*messages, model=model), "messages.1.content") == [{"text": "a"}]


def test_claudes_own_signature_is_good_here_too() -> None:
    part = {"reasoning": {**SIGNED["reasoning"], "provider": "anthropic"}}
    assert not adjusted(user("q"), said(part), user("b"))


def test_blocks_of_bedrock_go_in_as_they_are() -> None:
    block = '{"searchResult": {"source": "s", "title": "t", "content": [{"text": "c"}]}}'
    part = {"provider": {"provider": "bedrock", "type": "searchResult", "json": block}}
    other = {"provider": {"provider": "elsewhere", "type": "x", "json": "{}"}}
    told = sent(system("a", part), user("q", part), said(tool_calls=[called()]), result(part))
    assert at(told, "system.1") == json.loads(block)
    assert at(told, "messages.0.content.1") == json.loads(block)
    assert at(told, "messages.2.content.0.toolResult.content.0") == json.loads(block)
    assert adjusted(user("q", other)) == ("messages[0].content[1].provider",)


def cached(ttl: str = "") -> dict[str, Any]:
    return {"text": "long", "cache_control": {"ttl": ttl}}


def test_cache_points() -> None:
    told = sent(system(cached("1h")), user(cached()), said(tool_calls=[called()]), result(cached("5m")))
    assert told["system"][1] == {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert told["messages"][0]["content"][1] == {"cachePoint": {"type": "default"}}
    assert told["messages"][2]["content"][1] == {"cachePoint": {"type": "default", "ttl": "5m"}}
    assert adjusted(user(cached("24h"))) == ("messages[0].content[0].cache_control.ttl",)
    assert adjusted(user(cached()), model=LLAMA) == ("messages[0].content[0].cache_control",)
    assert adjusted(user(cached()), model="anthropic.claude-3-haiku-20240307-v1:0")
    tool = {"function": {"name": "f"}, "cache_control": {}}
    assert at(sent(user("q"), tools=[tool]), "toolConfig.tools.1") == {"cachePoint": {"type": "default"}}
    assert adjusted(user("q"), tools=[tool], model=NOVA) == ("tools[0].cache_control",)


def media(kind: str, mime_type: str = "", **source: Any) -> dict[str, Any]:
    return {kind: {"media": {"mime_type": mime_type, **source}}}


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (media("image", "image/png", data=PNG), {"image": {"format": "png", "source": {"bytes": PNG}}}),
        (media("image", "IMAGE/JPG; q=1", data=PNG), {"image": {"format": "jpeg", "source": {"bytes": PNG}}}),
        (
            media("image", url="s3://bucket/a/b.JPG"),
            {"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://bucket/a/b.JPG"}}}},
        ),
        (media("video", "video/3gpp", data=PNG), {"video": {"format": "three_gp", "source": {"bytes": PNG}}}),
        (
            media("video", url="s3://b/c.mp4"),
            {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/c.mp4"}}}},
        ),
        (media("audio", "audio/x-wav", data=PNG), {"audio": {"format": "wav", "source": {"bytes": PNG}}}),
        (
            media("file", "application/pdf", data=PNG),
            {"document": {"format": "pdf", "name": "Document 1", "source": {"bytes": PNG}}},
        ),
    ],
)
def test_media(part: Any, block: Any) -> None:
    assert at(sent(user("look", part)), "messages.0.content.1") == block


@pytest.mark.parametrize(
    ("part", "field"),
    [
        (media("image", "image/tiff", data=PNG), "image.media.mime_type"),
        (media("image", data=PNG), "image.media.mime_type"),
        (media("image", url="s3://b/noending"), "image.media.mime_type"),
        (media("image", url="https://x.test/a.png"), "image.media.url"),
        (media("file", file_id="f-1", mime_type="application/pdf"), "file.media.file_id"),
        ({"video": {**media("video", "video/mp4", data=PNG)["video"], "start_offset": "1s"}}, "video.start_offset"),
    ],
)
def test_media_that_bedrock_does_not_read(part: Any, field: str) -> None:
    assert refused(user("look", part)).fields[0].field == f"messages[0].content[1].{field}"


def test_the_assistant_shows_nothing_and_tools_may() -> None:
    picture = media("image", "image/png", data=PNG)
    assert refused(user("q"), said(picture), user("b")).fields[0].field == "messages[1].content[0].image"
    told = sent(user("q"), said(tool_calls=[called()]), result(picture))
    assert "image" in at(told, "messages.2.content.0.toolResult.content.0")
    assert adjusted(user({"image": {**picture["image"], "detail": "IMAGE_DETAIL_HIGH"}}))


def document(name: str = "", **more: Any) -> dict[str, Any]:
    return {"file": {"media": {"data": PNG, "mime_type": "application/pdf", "filename": name}, **more}}


def test_documents_have_names_of_allowed_characters_each_its_own() -> None:
    parts = [
        document("Q3 report_final (v2).pdf"),
        document("../../Ärger & Co.pdf"),
        document(title="A  title"),
        document(title="A title"),
        document("日本.pdf"),
        document("x" * 300),
        document("x" * 300),
    ]
    told = sent(user("sum up", *parts))
    names = [block["document"]["name"] for block in told["messages"][0]["content"][1:]]
    assert names == [
        "Q3 report-final (v2)", "rger - Co", "A title", "A title (2)", "Document 5", "x" * 200, "x" * 192 + " (2)",
    ]  # fmt: skip


def test_a_document_to_be_cited() -> None:
    text = base64.b64encode("Äpfel".encode()).decode()
    cited = {
        "file": {
            "media": {"data": text, "mime_type": "text/plain"},
            "citations": True,
            "context": "a memo",
            "title": "T",
        }
    }
    assert at(sent(user("q", cited)), "messages.0.content.1.document") == {
        "name": "T",
        "format": "txt",
        "source": {"text": "Äpfel"},
        "context": "a memo",
        "citations": {"enabled": True},
    }
    assert adjusted(user("q", cited), model=NOVA) == ("messages[0].content[1].file.citations",)


def test_what_a_message_says_beside_its_content() -> None:
    assert adjusted({**user("q"), "name": "ada"}, {**said("a"), "phase": "commentary"}, user("b")) == (
        "messages[0].name",
        "messages[1].phase",
    )
    assert at(sent(user("q"), said(refusal="no"), user("b")), "messages.1.content") == [{"text": "no"}]
    assert adjusted(user("q"), said("a", refusal="no"), user("b")) == ("messages[1].refusal",)
    assert refused(user("q"), said(audio_id="a-1"), user("b")).fields[0].field == "messages[1].audio_id"
