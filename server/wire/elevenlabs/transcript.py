"""ElevenLabs' transcripts: words, spaces and sounds, one after another, with their times."""

import math
from collections.abc import Sequence

from aignehub.v1.audio_pb2 import Transcript, TranscriptWord
from aignehub.v1.audio_service_pb2 import CreateTranscriptionResponse
from aignehub.v1.chat_pb2 import TokenLogprob
from aignehub.v1.usage_pb2 import Usage

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire import provider_errors, sound
from server.wire.audio.complete import complete
from server.wire.http import HttpResponse
from server.wire.json_value import Json, Object
from server.wire.recording import Dictation

_MOST_TIMED = 400_000  # words and the spaces between them: more than a day of speech
_SAID = frozenset({"word", "audio_event"})


def read_transcript(response: HttpResponse, dictation: Dictation, model: str) -> CreateTranscriptionResponse:
    """The contract's answer. Raises HubError where it is an error after all, or cannot be read."""
    told = json.obj(json.parse(response.body))
    if (error := provider_errors.error_in(told)) is not None:
        raise error
    # use_multi_channel answers with one of them for each channel.
    parts = json.objects(told.get("transcripts")) or [told]
    if type(parts[0].get("text")) is not str:
        raise ProviderBadResponse("the provider answered without a transcript")
    options = dictation.options
    answer = CreateTranscriptionResponse(transcript=_transcript(parts), model=model)
    if len(parts) == 1 and not options.HasField("diarization"):
        for word in answer.transcript.words:
            word.ClearField("speaker")  # they name speaker_0 though nobody asked who speaks
    if options.logprobs:
        answer.logprobs.extend(_logprobs(parts))
    if (length := _length(told, parts)) is not None:
        answer.transcript.duration.CopyFrom(sound.duration(length))
        answer.usage.CopyFrom(Usage(billed_audio_duration=sound.duration(length)))
    complete(answer, dictation)
    if not options.word_timestamps:
        del answer.transcript.words[:]  # they come where anything is timed
    return answer


def read_words(told: Json) -> list[TranscriptWord]:
    """Words and sounds with times, confidence and speakers. Raises ProviderBadResponse where there are too many."""
    found = json.objects(told)
    if len(found) > _MOST_TIMED:
        raise ProviderBadResponse("the provider sent more words than the hub reads")
    return [_word(one) for one in found if (json.text(one.get("type")) or "word") in _SAID]


def _transcript(parts: Sequence[Object]) -> Transcript:
    transcript = Transcript(text="\n".join(text for one in parts if (text := json.text(one.get("text")))))
    for place, part in enumerate(parts):
        words = read_words(part.get("words"))
        for word in words if len(parts) > 1 else ():
            word.speaker = word.speaker or str(place)
        transcript.words.extend(words)
        transcript.language = transcript.language or json.text(part.get("language_code"))
    if len(parts) > 1:
        transcript.words.sort(key=lambda word: word.start_offset.ToMicroseconds())
    return transcript


def _word(told: Object) -> TranscriptWord:
    word = TranscriptWord(
        word=json.text(told.get("text")).strip(),
        start_offset=sound.duration(json.number(told.get("start")) or 0.0),
        end_offset=sound.duration(json.number(told.get("end")) or 0.0),
        speaker=json.word(told.get("speaker_id")),
    )
    chance = json.number(told.get("logprob"))
    if chance is not None and chance <= 0:
        word.confidence = math.exp(chance)
    return word


def _logprobs(parts: Sequence[Object]) -> list[TokenLogprob]:
    return [
        TokenLogprob(token=json.text(one.get("text")), logprob=chance)
        for part in parts
        for one in json.objects(part.get("words"))
        if (chance := json.number(one.get("logprob"))) is not None
    ]


def _length(told: Object, parts: Sequence[Object]) -> float | None:
    lengths = [json.number(one.get("audio_duration_secs")) for one in (told, *parts)]
    return max((one for one in lengths if one is not None and one >= 0), default=None)
