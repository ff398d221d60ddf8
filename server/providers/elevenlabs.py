"""ElevenLabs: speech, recordings and live speech, each in its own format.

Speech: a voice is named by its id, or, of those every account has, by its name. Emulated: WAV, by a header before the
samples it makes. Refused: SSML, FLAC and AAC, a pace outside 0.7 to 1.2. Dropped and listed: instructions. Fields of
gateway.extra_body_json go into the body (voice_settings beside speed, seed, previous_text), enable_logging and
optimize_streaming_latency into the query.

Transcription: log probabilities are those of its words, spaces among them. HTTPS URLs are handed on. Live speech is for
the models that have realtime in their name; others hear it by utterance. A prompt goes along live as previous_text, and
several languages as secondary_languages. A live session is kept open by a fiftieth of a second of silence every five.
Refused: translation, several languages of a recording, known speakers, speakers and subtitles of live speech. Dropped
and listed: prompt of a recording, min_speakers, more than 32 speakers, temperature of live speech, prefix_padding;
silence_duration is bounded to 0.3 to 3 s and threshold to 0.1 to 0.9.
"""

from dataclasses import replace

from server.providers.kind import ProviderKind
from server.providers.lists import always as listed
from server.transport.credentials import always, header
from server.wire import model_lists
from server.wire.elevenlabs import (
    ElevenLabsLiveCodec,
    ElevenLabsSpeechCodec,
    ElevenLabsTranscriptionCodec,
    ElevenLabsVoicesCodec,
)
from server.wire.elevenlabs.voices import DEFAULT_VOICES

_SPEECH = ElevenLabsSpeechCodec()
_HEARING = ElevenLabsTranscriptionCodec()

ELEVENLABS = ProviderKind(
    name="elevenlabs",
    # Its own version stands in each path: voices are listed by /v2.
    base_url="https://api.elevenlabs.io",
    authorize=always(header("xi-api-key")),
    key_env=("ELEVENLABS_API_KEY", "ELEVEN_API_KEY"),
    base_url_env="ELEVENLABS_BASE_URL",
    speech=lambda _: _SPEECH,
    voices=DEFAULT_VOICES,
    voice_list=ElevenLabsVoicesCodec(),
    transcription=lambda _: _HEARING,
    live=ElevenLabsLiveCodec(),
    model_list=listed(replace(model_lists.ELEVENLABS, path="/v1/models")),
    notes="voices by id, those of every account by name; live with `scribe_v2_realtime`",
)
