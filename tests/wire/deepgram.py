"""Deepgram's ``audio.transcription`` and ``audio.speech``: the request is its query, read here by its own page.

https://developers.deepgram.com/reference
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

import orjson
from aignehub.v1 import audio_pb2, media_pb2
from aignehub.v1 import audio_service_pb2 as pb

from tests.wire import audio_reading
from tests.wire.audio_call import SOUND, speech_differences, spoken, transcribed
from tests.wire.audio_reading import Heard, Timed
from tests.wire.bench import Bench, Outcome
from tests.wire.chat import address
from tests.wire.deepgram_query import ENGLISH, parameters, refused_values
from tests.wire.failures import failure_of
from tests.wire.hub import Instance
from tests.wire.recording import Json, Recording
from tests.wire.replay import Captured

_FORMATS = {
    ("linear16", "wav"): audio_pb2.AUDIO_FORMAT_WAV,
    ("linear16", "none"): audio_pb2.AUDIO_FORMAT_PCM_S16LE,
    ("mp3", ""): audio_pb2.AUDIO_FORMAT_MP3,
}
_VOICE = re.compile(r"(aura(?:-2)?)-\w+-\w+")


class _Deepgram:
    def serves(self, _: Recording) -> bool:
        """All of them."""
        return True

    def kind(self, _: Recording) -> str:
        """The one kind."""
        return "deepgram"

    def instance(self, recording: Recording, name: str, root: str) -> Instance:
        """As for chat: a request that names a URL goes to a public address through the replay server as its proxy."""
        base, proxy = address(recording.request, name, root)
        return Instance(name, "deepgram", base, proxy=proxy)


class DeepgramHearing(_Deepgram):
    """Recordings."""

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The recorded query and URL where there are such, else silence and everything that is told."""
        outcome = Outcome(recording)
        query = parse_qsl(recording.path.partition("?")[2])
        request = _request(name, recording, dict(query))
        got = await transcribed(bench, request)
        sent = bench.server.requests(name)
        if recording.request is not None:
            bench.used[ENGLISH] += "language" not in dict(query)
            outcome.encode = _differences(recording, [*query, ("language", "en")], sent)
            outcome.spec = _against_spec("/v1/listen", sent)
        outcome.decode = audio_reading.differences(read(recording), got)
        if len(sent) != 1:
            outcome.decode.append(f"the provider was asked {len(sent)} times")
        return outcome


class DeepgramSpeech(_Deepgram):
    """Text to speech."""

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """The voice by its own name in the family that it is of; every byte of the answer counts."""
        outcome = Outcome(recording)
        query = dict(parse_qsl(recording.path.partition("?")[2]))
        text = recording.request["text"] if isinstance(recording.request, dict) else "Hello"
        voice = query.get("model", "aura-asteria-en")
        family = _VOICE.fullmatch(voice)
        form = _FORMATS[query.get("encoding", "mp3"), query.get("container", "")]
        request = pb.CreateSpeechRequest(
            model=f"{name}/{family[1] if family else voice}",
            input=text,
            options=audio_pb2.SpeechOptions(voice=voice),
        )
        if "encoding" in query:
            request.options.format = form
        chunks, failed = await spoken(bench, request)
        sent = bench.server.requests(name)
        outcome.encode = _differences(recording, list(query.items()), sent)
        outcome.spec = _against_spec("/v1/speak", sent)
        counted = int(recording.response_headers.get("dg-char-count", len(text)))
        outcome.decode = speech_differences(recording, chunks, failed, form, counted)
        return outcome


def read(recording: Recording) -> Heard:
    """What the recorded answer says: one channel, its words as people write them, utterances as segments."""
    if recording.status >= 300:
        return Heard(failure=failure_of(recording.status, recording.response_body))
    told = orjson.loads(recording.response_body)
    [channel] = told["results"]["channels"]
    heard = channel["alternatives"][0]
    milliseconds = round(told["metadata"]["duration"] * 1000)
    return Heard(
        heard["transcript"],
        channel.get("detected_language", "") or "".join(heard.get("languages", [])[:1]),
        milliseconds,
        [_timed(one, one["transcript"]) for one in told["results"].get("utterances", ())],
        [_timed(one, one.get("punctuated_word", one["word"])) for one in heard["words"]],
        (0, 0, 0, milliseconds, 0),
    )


def _timed(told: Json, text: str) -> Timed:
    begin, end = (round(told[name] * 1_000_000) // 1000 for name in ("start", "end"))
    return text, begin, end, str(told.get("speaker", ""))


def _request(name: str, recording: Recording, query: Mapping[str, str]) -> pb.CreateTranscriptionRequest:
    body = recording.request
    media = media_pb2.Media(url=body["url"]) if isinstance(body, dict) else media_pb2.Media(data=SOUND)
    options = audio_pb2.TranscriptionOptions(word_timestamps=True, segment_timestamps=query.get("utterances") == "true")
    if recording.request is not None:
        options.languages.append(query.get("language", "en"))
    elif b'"speaker"' in recording.response_body:
        options.diarization.SetInParent()
    return pb.CreateTranscriptionRequest(model=f"{name}/{query.get('model', 'nova-3')}", audio=media, options=options)


def _differences(recording: Recording, query: Sequence[tuple[str, str]], sent: Sequence[Captured]) -> list[str]:
    if not sent:
        return ["the hub sent nothing"]
    path, _, made = sent[0].path.partition("?")
    expected = dict(reversed(query))  # a default stands after what was recorded
    found = []
    if path != recording.path.partition("?")[0]:
        found.append(f"path: recorded {recording.path}, sent {path}")
    if dict(parse_qsl(made)) != expected or len(parse_qsl(made)) != len(expected):
        found.append(f"query: recorded {expected}, sent {made}")
    if sent[0].json() != recording.request:
        found.append(f"body: recorded {recording.request}, sent {sent[0].body[:200]!r}")
    if not sent[0].headers.get("Authorization", "").startswith("Token "):
        found.append("headers: no token")
    return found


def _against_spec(path: str, sent: Sequence[Captured]) -> list[str] | None:
    """What the published parameters say against each field of the query; None where the spec is not there."""
    if parameters(path) is None or not sent:
        return None
    return refused_values(path, parse_qsl(sent[0].path.partition("?")[2]))
