"""``hub models``: what may be asked for."""

from typing import Annotated

import typer
from aignehub.v1 import model_service_pb2

from server.cli.answer import print_json
from server.cli.client import SHORT_CALL, Hub
from server.cli.options import with_hub
from server.cli.terminal import enum_word, note, print_table

_PAGE = 1000  # the largest the contract takes


@with_hub
async def models(
    hub: Hub,
    provider: Annotated[str, typer.Option(metavar="NAME", help="Only the models of this provider.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print protobuf JSON, with all that is known.")] = False,
) -> int:
    """List the models that your key may use."""
    listed = model_service_pb2.ListModelsResponse()
    token = ""
    while True:
        request = model_service_pb2.ListModelsRequest(provider=provider, page_size=_PAGE, page_token=token)
        page = await hub.models.ListModels(request, metadata=hub.metadata, timeout=SHORT_CALL)
        listed.models.extend(page.models)
        # A server that gives the same token again would keep this going for ever.
        if not page.next_page_token or page.next_page_token == token:
            break
        token = page.next_page_token
    if as_json:
        print_json(listed)
    elif listed.models:
        print_table(("MODEL", "CAN", "INPUT TOKENS"), [_row(model) for model in listed.models])
    else:
        note("no models: give the hub a provider's key, such as OPENAI_API_KEY, or start it with --dev")
    return 0


def _row(model: model_service_pb2.Model) -> tuple[str, str, str]:
    enum = model_service_pb2.ModelCapability.DESCRIPTOR
    can = ", ".join(enum_word(enum, capability, "MODEL_CAPABILITY_") for capability in model.capabilities)
    return model.id, can, str(model.max_input_tokens or "")
