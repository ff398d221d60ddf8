"""What ElevenLabs' refusals mean: ``{detail: {status, message}}``, or FastAPI's list of faults."""

from collections.abc import Mapping
from types import MappingProxyType

from server.errors import FieldViolation, HubError, ProviderRejected
from server.wire import provider_errors
from server.wire.field_names import Names
from server.wire.http import HttpResponse

_WRONG: Mapping[str, str] = MappingProxyType({
    "voice_not_found": "options.voice",
    "invalid_uid": "options.voice",
    "voice_does_not_exist": "options.voice",
    "max_character_limit_exceeded": "input",
    "text_too_long": "input",
    "empty_text": "input",
    "output_format_not_allowed": "options.format",
})  # fmt: skip
"""Codes that mean one field of the request: https://elevenlabs.io/docs/eleven-api/resources/errors."""

_NAMES: Names = MappingProxyType({
    "text": "input",
    "voice_id": "options.voice",
    "voice_settings.speed": "options.speed",
    "output_format": "options.format",
    "model_id": "model",
    "file": "audio",
    "cloud_storage_url": "audio",
    "language_code": "options.languages",
    "keyterms": "options.keywords",
    "temperature": "options.temperature",
    "timestamps_granularity": "options",
    "diarize": "options.diarization",
    "num_speakers": "options.diarization.max_speakers",
})  # fmt: skip


def decode_error(response: HttpResponse) -> HubError:
    """Never raises."""
    error = provider_errors.read_error(response, _NAMES)
    field = _WRONG.get(error.metadata.get("providerCode", ""))
    if field is None:
        return error
    words = FieldViolation(field, error.message)
    return ProviderRejected(error.message, metadata=error.metadata, fields=(words,))
