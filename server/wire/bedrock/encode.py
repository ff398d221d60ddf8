"""A chat request of the contract as one of Converse."""

import orjson
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.wire.bedrock.claude import encode_claude
from server.wire.bedrock.draft import Draft
from server.wire.bedrock.formats import encode_format
from server.wire.bedrock.messages import encode_messages
from server.wire.bedrock.options import FIELDS
from server.wire.bedrock.reasoning import encode_reasoning
from server.wire.bedrock.tools import encode_tools
from server.wire.chat.fields import put_fields
from server.wire.extra_body import merge_extra_body
from server.wire.http import HttpRequest, path_segment

_OWNED = frozenset({"modelId", "messages", "system", "inferenceConfig", "toolConfig", "requestMetadata"})
"""Keys of a body that fields of the contract stand for; all others may come by extra_body_json."""

_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_STREAM_HEADERS = {"Content-Type": "application/json", "Accept": "application/vnd.amazon.eventstream"}


def encode(request: CreateChatCompletionRequest, model: str, *, stream: bool) -> HttpRequest:
    """See ChatCodec.encode."""
    draft = drafted(request, model, stream=stream)
    action = "converse-stream" if stream else "converse"
    return HttpRequest(
        path=f"/model/{path_segment(model)}/{action}",
        body=orjson.dumps(draft.body),
        headers=_STREAM_HEADERS if stream else _HEADERS,
        adjusted_fields=tuple(draft.notes.fields),
    )


def drafted(request: CreateChatCompletionRequest, model: str, *, stream: bool) -> Draft:
    """The whole body. Raises InvalidArgument or UnsupportedByProvider naming the field that cannot be sent."""
    draft = Draft(request, model, stream=stream)
    # What else may be asked for rests on how the model thinks.
    if draft.family.claude is not None:
        encode_claude(draft)
    else:
        encode_reasoning(draft)
    put_fields(request, FIELDS, draft)
    encode_messages(draft)
    encode_tools(draft)
    encode_format(draft)
    if request.gateway.extra_body_json:
        merge_extra_body(request.gateway.extra_body_json, draft.body, owned=_OWNED)
    return draft
