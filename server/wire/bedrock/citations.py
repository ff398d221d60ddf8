"""Sources of an answer."""

from collections.abc import Iterable, Iterator

from aignehub.v1.chat_pb2 import Citation

from server.wire import json_value as json
from server.wire.json_value import Object

_SAID = frozenset({"web", "documentChar", "documentPage"})


def read_citations(told: Iterable[Object], part_index: int | None, length: int) -> Iterator[Citation]:
    """Citations of the text part ``part_index``, whose first ``length`` code points rest on them; 0 where none does."""
    for source in told:
        citation = _citation(source)
        if part_index is not None:
            citation.part_index = part_index
            if length:
                citation.start_index, citation.end_index = 0, length
        yield citation


def unread_citations(told: Iterable[Object]) -> list[Object]:
    """Those whose place in the source no field of Citation can hold, such as the number of a passage."""
    return [source for source in told if not json.obj(source.get("location")).keys() <= _SAID]


def _citation(told: Object) -> Citation:
    location = json.obj(told.get("location"))
    web = json.obj(location.get("web"))
    citation = Citation(
        url=json.text(web.get("url")) or json.text(told.get("source")),
        title=json.text(told.get("title")),
        quoted_text="".join(json.text(piece.get("text")) for piece in json.objects(told.get("sourceContent"))),
    )
    document = next((found for name in location if (found := json.obj(location[name]))), {})
    if (index := json.index(document.get("documentIndex"))) is not None:
        citation.document_index = index
    start, end = json.index(document.get("start")), json.index(document.get("end"))
    if "documentChar" in location:
        if start is not None:
            citation.source_start_index = start
        if end is not None:
            citation.source_end_index = end
    elif "documentPage" in location:
        if start is not None:
            citation.start_page = start
        if end is not None:
            # Anthropic's own end is the page after the last:
            # https://platform.claude.com/docs/en/build-with-claude/citations
            citation.end_page = max(end - 1, start or 0)
    return citation
