"""``hub models``: what may be asked for, what it can do and what it costs."""

from typing import Annotated

import typer
from aignehub.v1 import model_service_pb2 as pb

from server.cli.answer import print_json
from server.cli.client import SHORT_CALL, Hub
from server.cli.model_words import abilities, tokens, usual_prices
from server.cli.options import with_hub
from server.cli.terminal import note, print_table

_PAGE = 1000  # the largest the contract takes
_HEADINGS = ("MODEL", "CAN", "READS", "WRITES", "USD FOR A MILLION TOKENS")
_PREFIX = "MODEL_CAPABILITY_"


@with_hub
async def models(
    hub: Hub,
    provider: Annotated[str, typer.Option(metavar="NAME", help="Only the models of this provider.")] = "",
    can: Annotated[
        list[str] | None,
        typer.Option(metavar="CAPABILITY", help="Only those that can do this, such as embedding; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print protobuf JSON, with all that is known.")] = False,
) -> int:
    """List the models that your key may use, with their limits in tokens and their usual prices."""
    wanted = [_capability(word) for word in can or ()]
    listed = pb.ListModelsResponse()
    token = ""
    while True:
        request = pb.ListModelsRequest(provider=provider, capabilities=wanted, page_size=_PAGE, page_token=token)
        page = await hub.models.ListModels(request, metadata=hub.metadata, timeout=SHORT_CALL)
        listed.models.extend(page.models)
        # A server that gives the same token again would keep this going for ever.
        if not page.next_page_token or page.next_page_token == token:
            break
        token = page.next_page_token
    if as_json:
        print_json(listed)
    elif listed.models:
        print_table(_HEADINGS, [_row(model) for model in listed.models])
    elif wanted or provider:
        note("no such models; without --provider and --can all are listed")
    else:
        note("no models: give the hub a provider's key, such as OPENAI_API_KEY, or start it with --dev")
    return 0


def _capability(word: str) -> "pb.ModelCapability.ValueType":
    name = _PREFIX + word.upper().replace("-", "_").replace(" ", "_")
    if name not in pb.ModelCapability.keys()[1:]:
        known = ", ".join(one.removeprefix(_PREFIX).lower() for one in pb.ModelCapability.keys()[1:])
        raise typer.BadParameter(f"{word} is no capability; there are {known}", param_hint="--can")
    return pb.ModelCapability.Value(name)


def _row(model: pb.Model) -> tuple[str, ...]:
    return (
        model.id,
        abilities(model),
        tokens(model.max_input_tokens),
        tokens(model.max_output_tokens),
        usual_prices(model),
    )
