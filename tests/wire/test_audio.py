"""The audio comparison bites: a recording made to lie differs in the field it lies about."""

import orjson
import pytest

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
