"""The frame bites: whatever is lost or changed on the way, on either side, fails the conversation."""

import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio
from typing_extensions import override

from tests.conversations import table
from tests.conversations.dialects.base import Otherwise, Refused, Reply, Request, StreamReply
from tests.conversations.dialects.openai_chat import OpenAIChat
from tests.conversations.dialects.openai_hosts.makers import OPENAI
from tests.conversations.fake import Fake, recut
from tests.conversations.neutral import Choice, Heard, Script, ToolCall, Turn
from tests.conversations.play import Stage, staged
from tests.conversations.table import Conversation

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Wrong(OpenAIChat):
    """Hears or tells one thing wrongly, as a hub would let it arrive that had lost or changed it."""

    mishear: Callable[[Heard], Heard] = lambda heard: heard
    mistell: Callable[[Script], Script] = lambda script: script

    @override
    def hear(self, request: Request) -> Heard:
        return self.mishear(super().hear(request))

    @override
    def answer(self, script: Script, heard: Heard) -> Reply:
        return super().answer(self.mistell(script), heard)

    @override
    def stream(self, script: Script, heard: Heard) -> StreamReply:
        return super().stream(self.mistell(script), heard)


def _wrong(**changes: Any) -> Wrong:
    given = {name: getattr(OPENAI, name) for name in OPENAI.__dataclass_fields__}
    return Wrong(**{**given, **changes})


def _hears(**changes: Any) -> Wrong:
    return _wrong(mishear=lambda heard: replace(heard, **changes))


def _hears_turns(change: Callable[[Turn], Turn]) -> Wrong:
    return _wrong(mishear=lambda heard: replace(heard, turns=tuple(map(change, heard.turns))))


def _tells(**changes: Any) -> Wrong:
    return _wrong(mistell=lambda script: replace(script, **changes))


def _tells_choices(change: Callable[[Choice], Choice]) -> Wrong:
    return _wrong(mistell=lambda script: replace(script, choices=tuple(map(change, script.choices))))


def _other_ids(calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    return tuple(replace(call, id=f"{call.id}x") for call in calls)


def _results_for_others(turn: Turn) -> Turn:
    return replace(turn, results=tuple(replace(result, call_id="other") for result in turn.results))


WRONG: dict[str, tuple[Wrong, Conversation]] = {
    "another model": (_hears(model="gpt-3"), table.TEXT),
    "no system": (_hears(system=()), table.SYSTEM),
    "no history": (_wrong(mishear=lambda heard: replace(heard, turns=heard.turns[-1:])), table.MULTI_TURN),
    "no picture": (_hears_turns(lambda turn: replace(turn, images=())), table.VISION),
    "no document": (_hears_turns(lambda turn: replace(turn, documents=())), table.DOCUMENT),
    "calls heard under other ids": (
        _hears_turns(lambda turn: replace(turn, calls=_other_ids(turn.calls))),
        table.PARALLEL_TOOLS,
    ),
    "results of other calls": (_hears_turns(_results_for_others), table.PARALLEL_TOOLS),
    "no tools": (_hears(tools=()), table.FORCED_TOOL),
    "a free choice": (_hears(tool_choice=""), table.FORCED_TOOL),
    "no schema": (_hears(schema=None), table.JSON_SCHEMA),
    "no effort": (_hears(reasoning=None), table.REASONING),
    "no stop": (_hears(stop=()), table.STOP),
    "no limit": (_hears(max_tokens=None), table.MAX_TOKENS),
    "one choice asked": (_hears(n=1), table.N),
    "no chances asked": (_hears(logprobs=None), table.LOGPROBS),
    "no breakpoint": (_hears(cached=()), table.CACHE_BREAKPOINT),
    "no usage": (_tells(usage=None), table.TEXT),
    "no cached tokens": (
        _wrong(mistell=lambda script: replace(script, usage=replace(script.usage, cached=0))),
        table.CACHE_BREAKPOINT,
    ),
    "no reasoning tokens": (
        _wrong(mistell=lambda script: replace(script, usage=replace(script.usage, reasoning=0))),
        table.REASONING,
    ),
    "another text": (_tells_choices(lambda choice: replace(choice, text=f"{choice.text}!")), table.TEXT),
    "calls told under other ids": (
        _tells_choices(lambda choice: replace(choice, calls=_other_ids(choice.calls))),
        table.PARALLEL_TOOLS,
    ),
    "one call": (_tells_choices(lambda choice: replace(choice, calls=choice.calls[:1])), table.PARALLEL_TOOLS),
    "another end": (_tells_choices(lambda choice: replace(choice, finish="stop")), table.MAX_TOKENS),
    "no chances told": (_tells_choices(lambda choice: replace(choice, logprobs=())), table.LOGPROBS),
    "one choice told": (_wrong(mistell=lambda script: replace(script, choices=script.choices[:1])), table.N),
    "no refusal": (_tells_choices(lambda choice: replace(choice, refusal="", text="Sure.")), table.REFUSAL),
    "a parameter the vendor lacks": (_wrong(takes=OPENAI.takes - {"stop"}), table.STOP),
    "a refusal that does not come": (_wrong(otherwise={"stop": Otherwise(refused=Refused("stop"))}), table.STOP),
    "an adjustment that is not told": (_wrong(otherwise={"stop": Otherwise(adjusted=("stop",))}), table.STOP),
    "an adjustment nobody expects": (_wrong(otherwise={}), table.REASONING),
    "a change in silence": (
        _wrong(
            mishear=lambda heard: replace(heard, stop=()),
            otherwise={"stop": Otherwise(heard=lambda heard: replace(heard, stop=()))},
        ),
        table.STOP,
    ),
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged(tmp_path_factory.mktemp("frame"), Fake([OPENAI])) as ready:
        yield ready


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("what", WRONG)
async def test_a_wrong_provider_is_noticed(stage: Stage, what: str, streamed: bool) -> None:
    wrong, conversation = WRONG[what]
    stage.fake.dialects["openai"] = wrong
    with pytest.raises(AssertionError):
        await stage.play("openai", conversation, streamed=streamed)
    stage.fake.dialects["openai"] = OPENAI
    await stage.play("openai", conversation, streamed=streamed)


async def test_the_fake_counts_what_it_heard_and_what_went_out(stage: Stage) -> None:
    before = stage.fake.completed["openai"]
    await stage.play("openai", table.TEXT, streamed=False)
    await stage.play("openai", table.TEXT, streamed=True)
    assert stage.fake.completed == {"openai": before + 2}
    assert [asked.name for asked in stage.fake.asked] == ["openai"]


async def test_a_stream_is_cut_anywhere_and_stays_whole() -> None:
    data = bytes(range(256)) * 20
    cuts = [recut(data, random.Random(seed)) for seed in range(20)]
    assert all(b"".join(pieces) == data for pieces in cuts)
    assert len({tuple(map(len, pieces)) for pieces in cuts}) == 20
    assert min(len(pieces) for pieces in cuts) > 3
