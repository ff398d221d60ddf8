"""The audio comparison bites: a recording made to lie differs in the field it lies about."""

import orjson
import pytest

from tests.wire import deepgram, elevenlabs
from tests.wire.audio_form import read_form
from tests.wire.audio_reading import differences, read
from tests.wire.recording import Json, parse

VERBOSE: Json = {
    "text": "Hi there.", "language": "english", "duration": 1.5,
    "segments": [{"id": 0, "start": 0.0, "end": 1.5, "text": " Hi there.", "speaker": "A"}],
    "words": [{"word": "Hi", "start": 0.0, "end": 0.5}],
    "usage": {"type": "tokens", "input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
}  # fmt: skip


def recorded(body: Json, status: int = 200) -> bytes:
    return orjson.dumps(
        {
            "id": "one", "provider": "openai", "api": "audio.transcription", "modality": "audio.transcription",
            "path": "/v1/audio/transcriptions", "status": status, "response_headers": {},
            "response_body": orjson.dumps(body).decode(), "response_body_encoding": "text",
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lie", "field"),
    [
        ({"text": "Ho"}, "text"), ({"language": "de"}, "language"), ({"duration": 2.5}, "milliseconds"),
        ({"segments": [{"start": 0, "end": 1, "text": "Hi there.", "speaker": "A"}]}, "segments"),
        ({"words": []}, "words"), ({"usage": {"input_tokens": 3, "output_tokens": 5}}, "usage"),
    ],
)  # fmt: skip
def test_a_lie_is_named(lie: Json, field: str) -> None:
    honest, liar = read(parse(recorded(VERBOSE))), read(parse(recorded({**VERBOSE, **lie})))
    assert differences(honest, honest) == []
    assert [line.split(":")[0] for line in differences(liar, honest)] == [field]


def test_failures_are_compared() -> None:
    refused = read(parse(recorded({"error": {"message": "no", "code": "model_not_found"}}, 404)))
    assert refused.failure is not None
    assert differences(refused, read(parse(recorded(VERBOSE))))[0].startswith("status")


def test_a_form_is_read() -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="a[]"\r\n\r\n1\r\n--x\r\nContent-Disposition: form-data; '
    body += b'name="file"; filename="f.wav"\r\nContent-Type: audio/wav\r\n\r\n\r\n\0\r\n--x--\r\n'
    form = read_form("multipart/form-data; boundary=x", body)
    assert (form.fields, form.file, form.filename, form.last) == ({"a": ["1"]}, b"\r\n\0", "f.wav", "file")
    with pytest.raises(ValueError, match="boundary"):
        read_form("application/json", body)


@pytest.mark.parametrize("provider", ["deepgram", "elevenlabs"])
def test_other_forms_are_read_to_the_word(provider: str) -> None:
    told: dict[str, Json] = {
        "deepgram": {
            "metadata": {"duration": 1.5},
            "results": {"channels": [{"detected_language": "en", "alternatives": [{"transcript": "Hi.", "words": [
                {"word": "hi", "punctuated_word": "Hi.", "start": 0.0, "end": 0.5, "speaker": 0}]}]}]},
        },
        "elevenlabs": {"text": "Hi.", "language_code": "en", "audio_duration_secs": 1.5, "words": [
            {"text": "Hi.", "start": 0.0, "end": 0.5, "type": "word", "speaker_id": "0"},
            {"text": " ", "start": 0.5, "end": 0.6, "type": "spacing", "speaker_id": "0"}]},
    }  # fmt: skip
    reading = {"deepgram": deepgram.read, "elevenlabs": elevenlabs.read}[provider]
    heard = reading(parse(recorded(told[provider])))
    assert (heard.text, heard.language, heard.milliseconds, heard.words) == ("Hi.", "en", 1500, [("Hi.", 0, 500, "0")])
    liar = reading(parse(recorded(told[provider]).replace(b"0.5", b"0.75", 1)))
    assert [line.split(":")[0] for line in differences(liar, heard)] == ["words"]
