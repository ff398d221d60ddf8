"""Annotations of a text: sources, and files that tools made or searched."""

from aignehub.v1.chat_pb2 import Citation

from server.wire import json_value as json
from server.wire.json_value import Object

_KNOWN = frozenset({"type", "url", "title", "start_index", "end_index", "file_id", "filename"})
_CITING = frozenset({"url_citation", "file_citation", "container_file_citation", "file_path"})


def read_annotation(told: Object, part_index: int | None) -> tuple[Citation | None, Object]:
    """The citation that an annotation is, and what of it Citation has no field for; None where it cites nothing."""
    if json.text(told.get("type")) not in _CITING:
        return None, told
    citation = Citation(
        url=json.text(told.get("url")),
        title=json.text(told.get("title")) or json.text(told.get("filename")),
        file_id=json.text(told.get("file_id")),
    )
    if (start := json.index(told.get("start_index"))) is not None:
        citation.start_index = start
    if (end := json.index(told.get("end_index"))) is not None:
        citation.end_index = end
    if part_index is not None:
        citation.part_index = part_index
    return citation, told if json.unread(told, _KNOWN) else {}
