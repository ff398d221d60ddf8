"""ListVoices over the catalogue: what each provider lists, else what its host documents."""

import asyncio
from collections.abc import Sequence

from aignehub.v1 import audio_service_pb2 as pb

from server.backends.base import Call
from server.errors import InvalidArgument
from server.identity.rights import Rights
from server.routing.attempt import Terms
from server.routing.catalogue import ANY_MODEL, Catalogue, Modality, Provider
from server.routing.resolve import plan_call
from server.transport.endpoint import Credential
from server.wire.audio.voice import SpokenVoice

_PAGE_SIZE = 100
_KEYLESS = Credential("none")


async def list_voices(
    catalogue: Catalogue, request: pb.ListVoicesRequest, rights: Rights, terms: Terms
) -> pb.ListVoicesResponse:
    """A page of the voices the caller can ask for. Raises what resolving ``request.model`` raises."""
    model = ""
    if request.model:
        candidate = plan_call(catalogue, request.model, rights, Modality.SPEECH).candidates[0]
        providers, model = [candidate.provider], candidate.model
    else:
        providers = [
            one
            for one in catalogue.providers
            if one.speech is not None and one.usable and rights.reach_model(f"{one.name}/{ANY_MODEL}")
        ]
    known = await asyncio.gather(*(_voices(provider, terms) for provider in providers))
    voices = [
        _told(voice, provider)
        for provider, listed in zip(providers, known, strict=True)
        for voice in _of_model(listed, model)
        if _speaks(voice, request.language)
    ]
    begin = _offset(request.page_token)
    end = begin + (request.page_size or _PAGE_SIZE)
    return pb.ListVoicesResponse(voices=voices[begin:end], next_page_token=str(end) if end < len(voices) else "")


async def _voices(provider: Provider, terms: Terms) -> Sequence[SpokenVoice]:
    if provider.voice_lister is None:
        return provider.voices
    credential = provider.credentials[0] if provider.credentials else _KEYLESS
    call = Call(terms.deadline, "", credential, terms.request_id, terms.phases, terms.traceparent)
    return await provider.voice_lister.voices(call)


def _told(voice: SpokenVoice, provider: Provider) -> pb.Voice:
    return pb.Voice(id=voice.id, display_name=voice.shown, languages=voice.languages, provider=provider.name)


def _of_model(voices: Sequence[SpokenVoice], model: str) -> Sequence[SpokenVoice]:
    """Those that ``model`` speaks with; all where its name belongs to no family of them."""
    families = [one.family for one in voices if one.family and f"{model}-".startswith(f"{one.family}-")]
    if not families:
        return voices
    nearest = max(families, key=len)
    return [one for one in voices if one.family in ("", nearest)]


def _speaks(voice: SpokenVoice, language: str) -> bool:
    """A voice without languages speaks all that its model does."""
    wanted = language.lower().split("-")[0]
    return not wanted or not voice.languages or any(one.lower().split("-")[0] == wanted for one in voice.languages)


def _offset(token: str) -> int:
    if not token:
        return 0
    if not (token.isascii() and token.isdigit() and len(token) <= 9):
        raise InvalidArgument.field("page_token", "is not one of this method's; take next_page_token as it is")
    return int(token)
