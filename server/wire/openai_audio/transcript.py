"""Every form in which a host answers with a transcript: JSON plain, verbose or diarized, events, subtitles, text."""

import re
from collections.abc import Iterable

from aignehub.v1 import usage_pb2
from aignehub.v1.audio_pb2 import Transcript, TranscriptSegment, TranscriptWord
from aignehub.v1.audio_service_pb2 import CreateTranscriptionResponse
from aignehub.v1.chat_pb2 import TokenLogprob
from aignehub.v1.usage_pb2 import ModalityTokens, Usage

from server.errors import ProviderBadResponse, ProviderUnavailable
from server.wire import json_value as json
from server.wire import provider_errors, sound
from server.wire.audio.complete import complete
from server.wire.audio.subtitles import read_cues
from server.wire.http import HttpResponse
from server.wire.json_value import Json, Object
from server.wire.openai_audio.names import HEARD
from server.wire.recording import Dictation
from server.wire.sse import SseParser

_CUES = re.compile(r"\s*(?:WEBVTT|1\s*\n\d\d:)")
_MOST_TIMED = 200_000  # words or segments: more than a day of speech


def read_transcript(response: HttpResponse, dictation: Dictation, model: str) -> CreateTranscriptionResponse:
    """The contract's answer. Raises HubError where it is an error after all, or cannot be read."""
    body = response.body.removeprefix(b"\xef\xbb\xbf")
    kind = response.headers.get("Content-Type", "").lower()
    if "event-stream" in kind or body.startswith((b"data:", b"event:")):
        answer = _of_events(body)
    elif body.lstrip()[:1] == b"{" or "json" in kind:
        answer = _of_json(json.obj(json.parse(body)))
    else:
        answer = _of_text(body.decode("utf-8", "replace"))
    answer.model = model
    complete(answer, dictation)
    return answer


def read_usage(told: Json) -> Usage | None:
    """What the host said of usage: tokens or a duration; None where it said neither."""
    fields = json.obj(told)
    seconds = json.number(fields.get("seconds"))
    read = json.count(fields.get("input_tokens")) or json.count(fields.get("prompt_tokens"))
    written = json.count(fields.get("output_tokens")) or json.count(fields.get("completion_tokens"))
    total = json.count(fields.get("total_tokens"))
    if seconds is None and not (read or written or total):
        return None
    usage = Usage(input_tokens=read, output_tokens=written, total_tokens=total or read + written)
    if seconds is not None:
        usage.billed_audio_duration.CopyFrom(sound.duration(seconds))
    details = json.obj(fields.get("input_token_details"))
    for name, modality in (("text_tokens", usage_pb2.MODALITY_TEXT), ("audio_tokens", usage_pb2.MODALITY_AUDIO)):
        if tokens := json.count(details.get(name)):
            usage.input_by_modality.append(ModalityTokens(modality=modality, tokens=tokens))
    # OpenRouter tells the price in USD: https://openrouter.ai/docs/use-cases/usage-accounting
    if (cost := json.number(fields.get("cost"))) is not None and 0 <= cost < 1e6:
        usage.provider_cost_nano_usd = round(cost * 1_000_000_000)
    return usage


def read_logprobs(told: Json) -> Iterable[TokenLogprob]:
    """Tokens with their probability; the bytes only where the text does not tell them already."""
    for item in json.objects(told):
        token = json.text(item.get("token"))
        values = json.items(item.get("bytes"))
        data = bytes(values) if all(type(one) is int and 0 <= one < 256 for one in values) else b""
        yield TokenLogprob(
            token=token,
            logprob=json.number(item.get("logprob")) or 0.0,
            token_bytes=b"" if data == token.encode("utf-8", "replace") else data,
        )


def _of_json(fields: Object) -> CreateTranscriptionResponse:
    if (error := provider_errors.error_in(fields, names=HEARD)) is not None:
        raise error
    if type(fields.get("text")) is not str:
        raise ProviderBadResponse("the provider answered without a transcript")
    transcript = Transcript(text=fields["text"], language=_language(fields))
    if (seconds := json.number(fields.get("duration"))) is not None:
        transcript.duration.CopyFrom(sound.duration(seconds))
    # Together tells speakers apart in segments of their own: https://docs.together.ai/reference/audio-transcriptions
    for told in _some(fields.get("speaker_segments")) or _some(fields.get("segments")):
        transcript.segments.append(_segment(told, len(transcript.segments)))
    transcript.words.extend(_word(told) for told in _some(fields.get("words")))
    return CreateTranscriptionResponse(
        transcript=transcript, usage=_usage(fields), logprobs=read_logprobs(fields.get("logprobs"))
    )


def _some(told: Json) -> list[Object]:
    found = json.objects(told)
    if len(found) > _MOST_TIMED:
        raise ProviderBadResponse("the provider sent more words than the hub reads")
    return found


def _usage(fields: Object) -> Usage | None:
    told = read_usage(fields.get("usage"))
    if told is None and (seconds := json.number(fields.get("duration"))) is not None:
        # Hosts that bill by length tell it here: Whisper's verbose_json, xAI.
        told = Usage(billed_audio_duration=sound.duration(seconds))
    return told


def _language(fields: Object) -> str:
    told = json.text(fields.get("language"))
    if told:
        return told
    first = next(iter(json.items(fields.get("languages"))), None)
    return json.text(first) or json.text(json.obj(first).get("language")) or json.text(json.obj(first).get("code"))


def _segment(told: Object, place: int) -> TranscriptSegment:
    number = json.index(told.get("id"))
    segment = TranscriptSegment(
        id=place if number is None else number,
        text=json.text(told.get("text")).strip(),
        start_offset=sound.duration(json.number(told.get("start")) or 0.0),
        end_offset=sound.duration(json.number(told.get("end")) or 0.0),
        speaker=_speaker(told),
        tokens=[one for one in json.items(told.get("tokens")) if json.index(one) is not None],
    )
    if not segment.text:
        segment.text = " ".join(json.text(word.get("word")).strip() for word in json.objects(told.get("words")))
    for name in ("avg_logprob", "compression_ratio", "no_speech_prob", "temperature"):
        if (value := json.number(told.get(name))) is not None:
            setattr(segment, name, value)
    return segment


def _word(told: Object) -> TranscriptWord:
    word = TranscriptWord(
        word=json.text(told.get("word")) or json.text(told.get("text")),
        start_offset=sound.duration(json.number(told.get("start")) or 0.0),
        end_offset=sound.duration(json.number(told.get("end")) or 0.0),
        speaker=_speaker(told),
    )
    chance = json.number(told.get("confidence"))
    if chance is not None and 0 <= chance <= 1:
        word.confidence = chance
    return word


def _speaker(told: Object) -> str:
    return json.word(told.get("speaker")) or json.word(told.get("speaker_id"))


def _of_events(body: bytes) -> CreateTranscriptionResponse:
    """transcript.text.delta, .segment and .done; without the last one the answer was cut."""
    parser = SseParser()
    answer = CreateTranscriptionResponse()
    ended = False
    events = parser.feed(body)
    if (rest := parser.rest()) is not None:
        events.append(rest)
    for _, payload in events:
        if payload.strip() == b"[DONE]":
            break
        event = json.obj(json.parse(payload))
        if (error := provider_errors.error_in(event, names=HEARD)) is not None:
            raise error
        match event.get("type"):
            case "transcript.text.delta":
                answer.transcript.text += json.text(event.get("delta"))
            case "transcript.text.segment":
                answer.transcript.segments.append(_segment(event, len(answer.transcript.segments)))
            case "transcript.text.done":
                ended = True
                _add_end(answer, event)
            case _:
                pass
    if not ended:
        raise ProviderUnavailable("the provider broke off its answer")
    return answer


def _add_end(answer: CreateTranscriptionResponse, event: Object) -> None:
    answer.transcript.text = json.text(event.get("text")) or answer.transcript.text
    answer.transcript.language = _language(event)
    answer.logprobs.extend(read_logprobs(event.get("logprobs")))
    if (usage := read_usage(event.get("usage"))) is not None:
        answer.usage.CopyFrom(usage)


def _of_text(text: str) -> CreateTranscriptionResponse:
    if not _CUES.match(text):
        return CreateTranscriptionResponse(transcript=Transcript(text=text.strip()))
    segments = read_cues(text)
    transcript = Transcript(text=" ".join(one.text for one in segments if one.text), segments=segments)
    return CreateTranscriptionResponse(transcript=transcript)
