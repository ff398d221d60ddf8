"""Sources: annotations of a message, and Perplexity's lists beside it."""

from collections.abc import Iterator

from aignehub.v1.chat_pb2 import Citation

from server.wire import json_value as json
from server.wire.json_value import Json, Object

_URL_CITATION = "url_citation"


def read_annotations(told: Json, part_index: int | None) -> tuple[list[Citation], list[Object]]:
    """The citations among ``annotations``, and the annotations that are something else."""
    citations: list[Citation] = []
    others: list[Object] = []
    for annotation in json.objects(told):
        if annotation.get("type") == _URL_CITATION:
            # OpenAI nests the fields below the type's name; some hosts put them beside it.
            citations.append(_citation(json.obj(annotation.get(_URL_CITATION)) or annotation, part_index))
        else:
            others.append(annotation)
    return citations, others


def _citation(told: Object, part_index: int | None) -> Citation:
    citation = Citation(
        url=json.text(told.get("url")),
        title=json.text(told.get("title")),
        quoted_text=json.text(told.get("content")),
    )
    if (start := json.index(told.get("start_index"))) is not None:
        citation.start_index = start
    if (end := json.index(told.get("end_index"))) is not None:
        citation.end_index = end
    if part_index is not None:
        citation.part_index = part_index
    return citation


def read_sources(answer: Object) -> list[Citation]:
    """Perplexity's ``citations`` (addresses in the order the text numbers them) with what ``search_results`` adds.

    https://docs.perplexity.ai/api-reference/chat-completions-post
    """
    return list(_sources(answer))


def _sources(answer: Object) -> Iterator[Citation]:
    results: dict[str, Object] = {}
    for result in json.objects(answer.get("search_results")):
        if url := json.text(result.get("url")):
            results.setdefault(url, result)
    for url in json.items(answer.get("citations")):
        if type(url) is str and url:
            yield _source(url, results.pop(url, {}))
    for url, result in results.items():
        yield _source(url, result)


def _source(url: str, result: Object) -> Citation:
    return Citation(url=url, title=json.text(result.get("title")), quoted_text=json.text(result.get("snippet")))
