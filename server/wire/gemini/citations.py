"""Sources: what an answer is grounded on, and what it recites.

https://ai.google.dev/api/generate-content#GroundingMetadata and ...#CitationMetadata. Places in the text are counted
in bytes of UTF-8 over all text of the answer, thoughts left out; in the contract they are code points of a part.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aignehub.v1.chat_pb2 import Citation

from server.wire import json_value as json
from server.wire.json_value import Json, Object

Texts = Sequence[tuple[int, str]]
"""The number of each text part of the answer, and its text."""

_SOURCES = ("web", "retrievedContext", "maps", "image")
_SEARCH = "google_search"


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of one part, in code points."""

    part: int
    start: int
    end: int


def read_citations(grounding: Object, recited: Object, texts: Texts) -> list[Citation]:
    """One citation for each source of each stretch of text, then the sources that no stretch names."""
    return [*_grounded(grounding, texts), *_recited(recited, texts)]


def searches(grounding: Object) -> dict[str, int]:
    """How often the provider searched: once for each query."""
    queries = sum(1 for query in json.items(grounding.get("webSearchQueries")) if json.text(query))
    return {_SEARCH: queries} if queries else {}


def _grounded(grounding: Object, texts: Texts) -> Iterator[Citation]:
    chunks = json.items(grounding.get("groundingChunks"))
    named: set[int] = set()
    for support in json.objects(grounding.get("groundingSupports")):
        segment = json.obj(support.get("segment"))
        span = _span(segment, texts)
        for place in json.items(support.get("groundingChunkIndices")):
            if json.index(place) is not None and place < len(chunks):
                named.add(place)
                yield _placed(_source(chunks[place]), span)
    for place, chunk in enumerate(chunks):
        if place not in named and (source := _source(chunk)).ListFields():
            yield source


def _source(chunk: Json) -> Citation:
    told = json.obj(chunk)
    for kind in _SOURCES:
        if source := json.obj(told.get(kind)):
            return Citation(
                url=json.text(source.get("uri")) or json.text(source.get("sourceUri")),
                title=json.text(source.get("title")),
                quoted_text=json.text(source.get("text")),
            )
    return Citation()


def _recited(recited: Object, texts: Texts) -> Iterator[Citation]:
    for told in json.objects(recited.get("citations") or recited.get("citationSources")):
        source = Citation(url=json.text(told.get("uri")), title=json.text(told.get("title")))
        yield _placed(source, _span(told, texts))


def _placed(citation: Citation, span: _Span | None) -> Citation:
    if span is not None:
        citation.part_index, citation.start_index, citation.end_index = span.part, span.start, span.end
    return citation


def _span(told: Object, texts: Texts) -> _Span | None:
    """The stretch that ``told`` means; None where the text does not bear it out."""
    start, end = json.index(told.get("startIndex")) or 0, json.index(told.get("endIndex"))
    if end is None or end <= start:
        return None
    quoted = json.text(told.get("text"))
    for part, text in texts:
        raw = text.encode("utf-8", "replace")
        if start < len(raw):
            found = _in_part(part, raw, start, min(end, len(raw)))
            # Where the words are told too, they must be the ones.
            return found if found is None or not quoted or text[found.start : found.end] in quoted else None
        start, end = start - len(raw), end - len(raw)
    return None


def _in_part(part: int, raw: bytes, start: int, end: int) -> _Span | None:
    try:
        begin = len(raw[:start].decode())
        return _Span(part, begin, begin + len(raw[start:end].decode()))
    except UnicodeDecodeError:
        # Not between two characters: the number counts something else.
        return None
