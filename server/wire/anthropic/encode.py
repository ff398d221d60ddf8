"""A request of the contract as one of the Messages API."""

import orjson
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.wire.anthropic.dialect import Dialect
from server.wire.anthropic.draft import Draft
from server.wire.anthropic.formats import encode_format
from server.wire.anthropic.messages import encode_messages
from server.wire.anthropic.options import FIELDS
from server.wire.anthropic.reasoning import encode_reasoning
from server.wire.anthropic.tools import encode_tools
from server.wire.chat.fields import put_fields
from server.wire.extra_body import OWNED, merge_extra_body
from server.wire.http import HttpRequest, path_segment

_OWNED = OWNED | {"system", "stop_sequences", "anthropic_version", "anthropic_beta"}
# What extra_body_json may bring, and what it needs:
# https://platform.claude.com/docs/en/agents-and-tools/mcp-connector and /build-with-claude/context-editing
_BETAS = {
    "mcp_servers": "mcp-client-2025-11-20",
    "context_management": "context-management-2025-06-27",
}


def encode(dialect: Dialect, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> HttpRequest:
    """See ChatCodec.encode."""
    draft = drafted(dialect, request, model, stream=stream)
    body = draft.body
    if not dialect.model_in_body:
        del body["model"]
    if stream and dialect.stream_in_body:
        body["stream"] = True
    path = dialect.stream_path or dialect.path if stream else dialect.path
    return sent(draft, path.replace("{model}", path_segment(model)), stream=stream)


def drafted(dialect: Dialect, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> Draft:
    """The body without its envelope."""
    draft = Draft(request, model, dialect, stream=stream)
    draft.body = {"model": model, "max_tokens": draft.max_tokens}
    # What else may be asked for rests on how the model thinks.
    encode_reasoning(draft)
    put_fields(request, FIELDS, draft)
    encode_messages(request.messages, draft)
    encode_tools(draft)
    encode_format(draft)
    if request.gateway.extra_body_json:
        _merge_extra(request.gateway.extra_body_json, draft)
    return draft


def _merge_extra(text: str, draft: Draft) -> None:
    merge_extra_body(text, draft.body, owned=_OWNED)
    for name, beta in _BETAS.items():
        if name in draft.body:
            draft.needs_beta(beta)


def sent(draft: Draft, path: str, *, stream: bool) -> HttpRequest:
    """The body in the host's envelope."""
    dialect, body = draft.dialect, draft.body
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream" if stream else "application/json",
    }
    if dialect.version_in_body:
        body = {"anthropic_version": dialect.version, **body}
    else:
        headers["anthropic-version"] = dialect.version
    if draft.betas and dialect.betas_in_body:
        body = {**body, "anthropic_beta": draft.betas}
    elif draft.betas:
        headers["anthropic-beta"] = ",".join(draft.betas)
    return HttpRequest(path=path, body=orjson.dumps(body), headers=headers, adjusted_fields=tuple(draft.notes.fields))
