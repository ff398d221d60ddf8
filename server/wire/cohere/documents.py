"""Documents: texts beside the conversation, or in the result of a tool, that answers cite by their ids.

https://docs.cohere.com/docs/retrieval-augmented-generation-rag
"""

from typing import Any

from aignehub.v1.chat_pb2 import FilePart

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.cohere.draft import Draft
from server.wire.cohere.words import PROVIDER, document_id

_TEXTUAL = ("text/", "application/json", "application/xml", "application/yaml", "application/x-yaml")


def document_of(part: FilePart, path: str, draft: Draft) -> dict[str, Any]:
    """The file as a document with the id of its place. Raises UnsupportedByProvider where it is no text."""
    media = part.media
    source = media.WhichOneof("source")
    if source == "file_id":
        raise UnsupportedByProvider.of(f"{path}.media.file_id", f"{PROVIDER} keeps no files for chat; send the text")
    if source != "data":
        raise InvalidArgument.field(f"{path}.media", "set data or url")
    if not media.mime_type.lower().startswith(_TEXTUAL):
        raise UnsupportedByProvider.of(
            f"{path}.media.mime_type", f"{PROVIDER} reads documents as text only, such as text/plain"
        )
    try:
        text = media.data.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidArgument.field(f"{path}.media.data", "is no text in UTF-8") from None
    data = {"title": part.title or media.filename, "text": text, "context": part.context}
    told = {"id": document_id(draft.files), "data": {name: value for name, value in data.items() if value}}
    draft.files += 1
    return told


def put_documents(draft: Draft) -> None:
    """Puts ``documents`` and what is asked of citations into the body; ``messages`` are encoded already."""
    if draft.documents:
        draft.body["documents"] = draft.documents
    wanted = [
        (f"messages[{row}].content[{column}].file.citations", part.file.citations)
        for row, message in enumerate(draft.request.messages)
        for column, part in enumerate(message.content)
        if part.HasField("file") and part.file.HasField("citations")
    ]
    if not wanted:
        # On unless told otherwise.
        return
    if any(cited for _, cited in wanted):
        draft.body["citation_options"] = {"mode": "ENABLED"}
        for path, cited in wanted:
            if not cited:
                draft.notes.drop(path, "the provider cites all documents or none")
    else:
        draft.body["citation_options"] = {"mode": "OFF"}
