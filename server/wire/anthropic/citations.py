"""Sources of a text block: https://platform.claude.com/docs/en/build-with-claude/citations."""

from aignehub.v1.chat_pb2 import Citation

from server.wire import json_value as json
from server.wire.json_value import Json, Object

_READ = frozenset(
    {
        "type",
        "cited_text",
        "document_index",
        "document_title",
        "title",
        "url",
        "source",
        "file_id",
        "encrypted_index",
        "start_char_index",
        "end_char_index",
        "start_page_number",
        "end_page_number",
    }
)


class Cited:
    """The citations of one choice, and what they say that Citation has no field for."""

    __slots__ = ("_left", "count")

    def __init__(self) -> None:
        self.count = 0
        self._left: list[Object] = []

    def read(self, told: Json, part_index: int | None, length: int) -> list[Citation]:
        """The citations of a text block of ``length`` characters: all of it rests on each."""
        citations = []
        for one in json.objects(told):
            citation = _citation(one)
            if part_index is not None:
                citation.part_index = part_index
                citation.start_index, citation.end_index = 0, length
            if left := json.unread(one, _READ):
                # Places counted in blocks, as those of search results and of documents of the caller's own blocks are.
                self._left.append({"index": self.count, "type": json.text(one.get("type")), **left})
            self.count += 1
            citations.append(citation)
        return citations

    @property
    def left(self) -> list[Object]:
        """What has no field, each with the index of its citation."""
        return self._left


def _citation(told: Object) -> Citation:
    citation = Citation(
        url=json.text(told.get("url")) or json.text(told.get("source")),
        title=json.text(told.get("title")) or json.text(told.get("document_title")),
        quoted_text=json.text(told.get("cited_text")),
        file_id=json.text(told.get("file_id")),
        signature=json.text(told.get("encrypted_index")).encode(),
    )
    if (document := json.index(told.get("document_index"))) is not None:
        citation.document_index = document
    if (start := json.index(told.get("start_char_index"))) is not None:
        citation.source_start_index = start
    if (end := json.index(told.get("end_char_index"))) is not None:
        citation.source_end_index = end
    if (first := json.index(told.get("start_page_number"))) is not None:
        citation.start_page = first
    if last := json.index(told.get("end_page_number")):
        # The page after the last one quoted.
        citation.end_page = last - 1
    return citation
