"""What an answer rests on: https://docs.cohere.com/docs/rag-citations."""

import re
from collections.abc import Iterator, Sequence

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import Citation, Message

from server.wire import json_value as json
from server.wire.json_value import Json, Object

_OURS = re.compile(r"doc:(\d{1,9})")


class Sources:
    """The documents and results that a request holds, by which sources are named."""

    __slots__ = ("_calls", "_files")

    def __init__(self, messages: Sequence[Message]) -> None:
        self._calls = [message.tool_call_id for message in messages if message.role == chat_pb2.ROLE_TOOL]
        self._files = sum(part.HasField("file") for message in messages for part in message.content)

    def file(self, source_id: str) -> int | None:
        """The number of the file part, by the id that encode gave it."""
        found = _OURS.fullmatch(source_id)
        place = int(found[1]) if found else self._files
        return place if place < self._files else None

    def call(self, source_id: str) -> str:
        """The call whose result it is, by Cohere's id of it: that of the call and a number."""
        return next((call for call in self._calls if source_id in (call, f"{call}:{_after_colon(source_id)}")), "")


def _after_colon(source_id: str) -> str:
    return source_id.rpartition(":")[2]


def read_citation(told: Object, sources: Sources, part_index: int | None) -> Iterator[Citation]:
    """One for each source; a citation without sources is one all the same."""
    for source in json.objects(told.get("sources")) or [{}]:
        citation = _source(source, sources)
        if (start := json.index(told.get("start"))) is not None:
            citation.start_index = start
        if (end := json.index(told.get("end"))) is not None:
            citation.end_index = end
        if part_index is not None:
            citation.part_index = part_index
        yield citation


def _source(source: Object, sources: Sources) -> Citation:
    document = json.obj(source.get("document")) or json.obj(source.get("tool_output"))
    source_id = json.text(source.get("id"))
    url = json.text(document.get("url"))
    citation = Citation(
        title=json.text(document.get("title")) or json.text(document.get("name")),
        url=url if url.startswith(("http://", "https://")) else "",
        tool_call_id=sources.call(source_id),
    )
    if (place := sources.file(source_id)) is not None:
        citation.document_index = place
    elif source_id and not citation.tool_call_id:
        # A document that the caller named itself, by gateway.extra_body_json or in the words of a tool.
        citation.file_id = source_id
    return citation


def content_index(told: Json) -> int | None:
    """Which block of the content it stands in, where it is told."""
    return json.index(json.obj(told).get("content_index"))
