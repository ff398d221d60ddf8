"""Live samples, utterances and sentences: what is cut as it comes."""

import math
from array import array

import pytest
from aignehub.v1 import audio_pb2
from aignehub.v1.audio_service_pb2 import VoiceActivityOptions

from server.backends.unsettled import Unsettled
from server.errors import InvalidArgument
from server.wire import g711, pcm, wav
from server.wire.sentences import Sentences
from server.wire.utterance import Started, Utterance, UtteranceCutter

PCM = audio_pb2.AUDIO_FORMAT_PCM_S16LE


def tone(seconds: float, rate: int, level: float = 0.5) -> bytes:
    wave = (int(32000 * level * math.sin(2 * math.pi * 300 * at / rate)) for at in range(int(seconds * rate)))
    return pcm.bytes_of(array("h", wave))


def fed(samples: pcm.LiveSamples, data: bytes, piece: int) -> bytes:
    return b"".join(samples.feed(data[place : place + piece]) for place in range(0, len(data), piece))


@pytest.mark.parametrize("piece", [1, 3, 1000, 10**6])
def test_header_channels_and_odd_pieces(piece: int) -> None:
    left, right = array("h", [100, 200, -300]), array("h", [300, 0, -100])
    both = array("h", [value for pair in zip(left, right, strict=True) for value in pair])
    samples = pcm.LiveSamples(audio_pb2.AudioInputConfig(), None)
    out = fed(samples, wav.write_header(48000, 2, None) + pcm.bytes_of(both), piece)
    assert pcm.samples_of(out).tolist() == [200, 100, -200]
    assert samples.rate == 48000


@pytest.mark.parametrize("rate", [1, 3999])
def test_a_rate_at_which_nobody_is_understood_is_refused(rate: int) -> None:
    """A second at 1 Hz would be 24,000 samples of a provider's, and so on for every byte."""
    with pytest.raises(InvalidArgument) as raised:
        pcm.LiveSamples(audio_pb2.AudioInputConfig(format=PCM, sample_rate_hertz=rate), 24000)
    assert raised.value.fields[0].field == "config.input.sample_rate_hertz"
    with pytest.raises(InvalidArgument) as raised:
        pcm.LiveSamples(audio_pb2.AudioInputConfig(), 24000).feed(wav.write_header(rate, 1, None))
    assert raised.value.fields[0].field == "audio"


@pytest.mark.parametrize("law", ["MULAW", "ALAW"])
@pytest.mark.parametrize("header", [False, True])
def test_what_telephones_send_is_heard(law: str, header: bool) -> None:
    wave = pcm.samples_of(tone(0.2, 8000))
    data = g711.encode(wave, alaw=law == "ALAW")
    form = audio_pb2.AUDIO_FORMAT_UNSPECIFIED if header else audio_pb2.AudioFormat.Value(f"AUDIO_FORMAT_{law}")
    samples = pcm.LiveSamples(audio_pb2.AudioInputConfig(format=form), 8000)
    out = pcm.samples_of(
        fed(samples, (wav.write_header(8000, 1, None, tag=getattr(wav, law)) if header else b"") + data, 77)
    )
    assert samples.rate == 8000
    assert len(out) == len(wave)
    assert max(abs(one - other) for one, other in zip(out, wave, strict=True)) < 700  # of 16000


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("piece", [317, 48000])
def test_rates_are_changed_without_a_seam(rate: int, piece: int) -> None:
    config = audio_pb2.AudioInputConfig(format=PCM, sample_rate_hertz=rate)
    out = pcm.samples_of(fed(pcm.LiveSamples(config, 24000), tone(0.5, rate), piece))
    assert abs(len(out) - 12000) <= 4
    # What comes out is late by one sample of what went in, since lines end at the next one.
    wave = [16000 * math.sin(2 * math.pi * 300 * (place / 24000 - 1 / rate)) for place in range(len(out))]
    assert max(abs(out[place] - wave[place]) for place in range(100, 11900)) < 250


@pytest.mark.parametrize(
    ("config", "data", "field"),
    [
        (audio_pb2.AudioInputConfig(format=audio_pb2.AUDIO_FORMAT_MP3), b"", "config.input.format"),
        (audio_pb2.AudioInputConfig(format=PCM), b"", "config.input.sample_rate_hertz"),
        (audio_pb2.AudioInputConfig(), b"no header here", "config.input.sample_rate_hertz"),
        (audio_pb2.AudioInputConfig(), wav.write_header(8000, 1, 9, tag=3), "audio"),
        (audio_pb2.AudioInputConfig(), b"RIFF\0\0\0\0AVI LIST", "audio"),
    ],
)
def test_what_is_no_live_sound(config: audio_pb2.AudioInputConfig, data: bytes, field: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        pcm.LiveSamples(config, 24000).feed(data)
    assert raised.value.fields[0].field == field


def test_silence_ends_an_utterance() -> None:
    rate = 8000
    cutter = UtteranceCutter(rate, VoiceActivityOptions())
    silence = bytes(2 * rate)
    data = silence + tone(1, rate) + silence + tone(0.5, rate)
    found = [one for place in range(0, len(data), 999) for one in cutter.feed(data[place : place + 999])] + cutter.end()
    begun = [one.seconds for one in found if isinstance(one, Started)]
    said = [one for one in found if isinstance(one, Utterance)]
    assert begun == pytest.approx([1.0, 3.0], abs=0.05)
    assert [one.began for one in said] == pytest.approx([1.0, 3.0], abs=0.05)
    assert [one.ended for one in said] == pytest.approx([2.0, 3.5], abs=0.05)
    assert said[0].first == pytest.approx(0.7, abs=0.05)  # 300 ms from before are kept
    assert len(said[0].samples) == pytest.approx(2 * rate * 1.8, rel=0.05)
    assert cutter.end() == []


def test_by_hand_and_by_length() -> None:
    by_hand = UtteranceCutter(8000, VoiceActivityOptions(disabled=True))
    assert by_hand.feed(tone(1, 8000)) == []
    [one] = by_hand.end()
    assert isinstance(one, Utterance)
    assert len(one.samples) == 16000
    endless = [one for _ in range(70) for one in by_hand.feed(bytes(16000))]
    assert [len(one.samples) for one in endless if isinstance(one, Utterance)] == [60 * 16000]


def test_what_is_settled_is_not_sent_again() -> None:
    kept = Unsettled(8000)
    for _ in range(10):
        kept.add(tone(0.5, 8000))
    kept.settle(2.2)
    kept.rewind()
    assert kept.settled == pytest.approx(2.2)
    assert sum(map(len, kept.pieces())) == pytest.approx(2.8 * 16000)
    assert kept.any(spoken=True)
    kept.settle(5)
    assert not kept.any(spoken=False)
    for _ in range(300):
        kept.add(bytes(16000))
    assert sum(map(len, kept.pieces())) <= 121 * 16000
    kept.rewind()
    assert sum(map(len, kept.pieces())) == 2 * 16000  # silence alone: its last two seconds


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One sentence here. Another one there! And", ["One sentence here.", "Another one there!", "And"]),
        ("Dr. No met 3.5 people. Fine", ["Dr. No met 3.5 people.", "Fine"]),
        ("He said \u201cIt is done.\u201d Then he left", ["He said \u201cIt is done.\u201d", "Then he left"]),
        ("\u4eca\u65e5\u306f\u3068\u3066\u3082\u826f\u3044\u5929\u6c17\u3067\u3059\u3002\u3067\u306f", [
            "\u4eca\u65e5\u306f\u3068\u3066\u3082\u826f\u3044\u5929\u6c17\u3067\u3059\u3002", "\u3067\u306f"]),
        ("a heading\n\nthe text of it", ["a heading\n\nthe text of it"]),
        ("   ", []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("piece", [1, 5, 1000])
def test_sentences(text: str, sentences: list[str], piece: int) -> None:
    cut = Sentences()
    found = [one for place in range(0, len(text), piece) for one in cut.feed(text[place : place + piece])]
    assert found + cut.flush() == sentences


def test_a_sentence_without_end_is_cut_at_a_space() -> None:
    cut = Sentences()
    found = cut.feed("word " * 500)
    assert found
    assert all(len(one) <= 1000 for one in found)
    assert " ".join([*found, *cut.flush()]) == ("word " * 500).strip()
