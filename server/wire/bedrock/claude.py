"""Claude by Converse: how it thinks and samples is decided as at its maker's own API, and put where Converse has it."""

from server.wire.anthropic.dialect import Dialect
from server.wire.anthropic.draft import Draft as ClaudeDraft
from server.wire.anthropic.options import FIELDS
from server.wire.anthropic.reasoning import encode_reasoning
from server.wire.bedrock.draft import PROVIDER, Draft

_INFERENCE = {"temperature": "temperature", "top_p": "topP", "stop_sequences": "stopSequences"}
_FIELDS = frozenset({"temperature", "top_p", "top_k", "stop"})
_TELL = "additionalModelResponseFieldPaths"


def encode_claude(draft: Draft) -> None:
    """Puts reasoning, effort, sampling and stop sequences into the body.

    https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html for what goes to the
    model itself, https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_OutputConfig.html for effort.
    """
    request = draft.request
    own = ClaudeDraft(request, draft.model, Dialect(name=PROVIDER), stream=draft.stream)
    own.notes = draft.notes
    encode_reasoning(own)
    for field, value in request.ListFields():
        if field.name in _FIELDS:
            FIELDS[field.name](own, value)
    for name, ours in _INFERENCE.items():
        if name in own.body:
            draft.put("inferenceConfig", ours, own.body[name])
    if request.stop and _TELL not in request.gateway.extra_body_json:
        # Which sequence was hit is told where it is asked for.
        draft.body[_TELL] = ["/stop_sequence"]
    for name in ("thinking", "top_k"):
        if name in own.body:
            draft.put_extra((name,), own.body[name])
    if "output_config" in own.body:
        draft.put("outputConfig", "effort", own.body["output_config"]["effort"])
    if own.betas:
        draft.put_extra(("anthropic_beta",), own.betas)
