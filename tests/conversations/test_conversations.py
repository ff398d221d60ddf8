"""Every conversation with every kind, whole and streamed."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from server.providers.registry import PROVIDERS
from tests.conversations.dialects import DIALECTS
from tests.conversations.fake import Fake
from tests.conversations.play import Stage, staged
from tests.conversations.table import CONVERSATIONS, EXCHANGES, Conversation

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged(tmp_path_factory.mktemp("conversations"), Fake(DIALECTS)) as ready:
        yield ready


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda conversation: conversation.name)
@pytest.mark.parametrize("name", [dialect.name for dialect in DIALECTS])
async def test_the_same_meaning_comes_back(stage: Stage, name: str, conversation: Conversation, streamed: bool) -> None:
    await stage.play(name, conversation, streamed=streamed)


async def test_every_kind_with_chat_has_a_dialect() -> None:
    chatting = {name for name, kind in PROVIDERS.items() if kind.chat}
    assert chatting == {dialect.kind for dialect in DIALECTS}


async def test_there_are_fifteen_conversations_and_dialects_speak_of_no_others() -> None:
    assert len({conversation.name for conversation in CONVERSATIONS}) == 15
    assert len({dialect.name for dialect in DIALECTS}) == len(DIALECTS)
    for dialect in DIALECTS:
        assert set(dialect.otherwise) <= EXCHANGES, dialect.kind
        assert set(dialect.models) <= EXCHANGES, dialect.kind
