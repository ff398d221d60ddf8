"""Deepgram's answer to a recording."""

from collections.abc import Sequence

from aignehub.v1.audio_pb2 import Transcript, TranscriptSegment, TranscriptWord
from aignehub.v1.audio_service_pb2 import CreateTranscriptionResponse
from aignehub.v1.usage_pb2 import Usage

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire import provider_errors, sound
from server.wire.audio.complete import complete
from server.wire.deepgram.words import first_alternative, language_of, read_words, seconds
from server.wire.http import HttpResponse
from server.wire.json_value import Object
from server.wire.recording import Dictation
from server.wire.sums import add_usage

_SERVICES = ("summary_info", "topics_info", "intents_info", "sentiment_info")
"""Where the tokens of what a model made of the text are told."""


def read_transcript(response: HttpResponse, dictation: Dictation, model: str) -> CreateTranscriptionResponse:
    """The contract's answer. Raises HubError where it is an error after all, or cannot be read."""
    told = json.obj(json.parse(response.body))
    if (error := provider_errors.error_in(told)) is not None:
        raise error
    results, metadata = json.obj(told.get("results")), json.obj(told.get("metadata"))
    channels = json.objects(results.get("channels"))
    if not channels:
        raise ProviderBadResponse("the provider answered without a transcript")
    transcript = _transcript(channels)
    transcript.segments.extend(_segments(results, several=len(channels) > 1))
    answer = CreateTranscriptionResponse(transcript=transcript, model=model)
    if (length := json.number(metadata.get("duration"))) is not None:
        answer.transcript.duration.CopyFrom(sound.duration(length))
        answer.usage.CopyFrom(_usage(metadata, length))
    answer.gateway.provider_request_id = json.text(metadata.get("request_id"))[:256]
    complete(answer, dictation)
    if not dictation.options.word_timestamps:
        del answer.transcript.words[:]  # they come unasked
    return answer


def _transcript(channels: Sequence[Object]) -> Transcript:
    """One channel as it is; several, which come where multichannel is asked for, by the time of their words."""
    transcript = Transcript()
    texts = []
    for place, channel in enumerate(channels):
        heard = first_alternative(channel)
        texts.append(json.text(heard.get("transcript")))
        words = read_words(heard.get("words"))
        if len(channels) > 1:
            _name_speakers(words, place)
        transcript.words.extend(words)
        transcript.language = transcript.language or json.text(channel.get("detected_language")) or language_of(heard)
    transcript.text = "\n".join(text for text in texts if text)
    if len(channels) > 1:
        transcript.words.sort(key=lambda word: word.start_offset.ToMicroseconds())
    return transcript


def _name_speakers(words: Sequence[TranscriptWord], channel: int) -> None:
    for word in words:
        word.speaker = _speaker(channel, word.speaker)


def _speaker(channel: int, speaker: str) -> str:
    return f"{channel}.{speaker}" if speaker else str(channel)


def _segments(results: Object, *, several: bool) -> list[TranscriptSegment]:
    found: list[TranscriptSegment] = []
    for told in json.objects(results.get("utterances")):
        speaker = json.word(told.get("speaker"))
        found.append(
            TranscriptSegment(
                id=len(found),
                text=json.text(told.get("transcript")).strip(),
                start_offset=sound.duration(seconds(told.get("start"))),
                end_offset=sound.duration(seconds(told.get("end"))),
                speaker=_speaker(json.count(told.get("channel")), speaker) if several else speaker,
            )
        )
    return found


def _usage(metadata: Object, length: float) -> Usage:
    usage = Usage(billed_audio_duration=sound.duration(length))
    for service in _SERVICES:
        told = json.obj(metadata.get(service))
        read, written = json.count(told.get("input_tokens")), json.count(told.get("output_tokens"))
        add_usage(usage, Usage(input_tokens=read, output_tokens=written, total_tokens=json.count(read + written)))
    return usage
