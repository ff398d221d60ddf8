"""ListVoices over the catalogue: what each provider documents."""

from aignehub.v1 import audio_service_pb2 as pb

from server.errors import InvalidArgument
from server.identity.rights import Rights
from server.routing.catalogue import ANY_MODEL, Catalogue, Modality, Provider
from server.routing.resolve import plan_call

_PAGE_SIZE = 100


def list_voices(catalogue: Catalogue, request: pb.ListVoicesRequest, rights: Rights) -> pb.ListVoicesResponse:
    """A page of the voices the caller can ask for. Raises what resolving ``request.model`` raises."""
    if request.model:
        plan = plan_call(catalogue, request.model, rights, Modality.SPEECH)
        providers = [plan.candidates[0].provider]
    else:
        providers = [
            one
            for one in catalogue.providers
            if one.speech is not None and one.usable and rights.reach_model(f"{one.name}/{ANY_MODEL}")
        ]
    voices = [voice for provider in providers for voice in _voices(provider) if _speaks(voice, request.language)]
    begin = _offset(request.page_token)
    end = begin + (request.page_size or _PAGE_SIZE)
    return pb.ListVoicesResponse(voices=voices[begin:end], next_page_token=str(end) if end < len(voices) else "")


def _voices(provider: Provider) -> list[pb.Voice]:
    return [
        pb.Voice(id=one.id, display_name=one.shown, languages=one.languages, provider=provider.name)
        for one in provider.voices
    ]


def _speaks(voice: pb.Voice, language: str) -> bool:
    """A voice without languages speaks all that its model does."""
    wanted = language.lower().split("-")[0]
    return not wanted or not voice.languages or any(one.lower().split("-")[0] == wanted for one in voice.languages)


def _offset(token: str) -> int:
    if not token:
        return 0
    if not (token.isascii() and token.isdigit() and len(token) <= 9):
        raise InvalidArgument.field("page_token", "is not one of this method's; take next_page_token as it is")
    return int(token)
