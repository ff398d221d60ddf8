"""What a provider left out of a transcript and the hub can tell by itself."""

from collections.abc import Callable

from aignehub.v1 import audio_pb2
from aignehub.v1.audio_pb2 import Transcript
from aignehub.v1.audio_service_pb2 import CreateTranscriptionResponse
from aignehub.v1.usage_pb2 import Usage

from server.errors import ProviderBadResponse
from server.wire import estimate, sound
from server.wire.audio.subtitles import segments_of, srt, vtt
from server.wire.recording import Dictation

SUBTITLES = (audio_pb2.TRANSCRIPT_FORMAT_SRT, audio_pb2.TRANSCRIPT_FORMAT_VTT)


def complete(answer: CreateTranscriptionResponse, dictation: Dictation) -> None:
    """Adds length, segments, the rendered form and usage where they are asked for, or always told, and missing.

    Raises ProviderBadResponse where subtitles are asked for and the provider told no times.
    """
    transcript, options = answer.transcript, dictation.options
    heard = dictation.recording.describe()
    if not transcript.HasField("duration") and heard.seconds is not None:
        transcript.duration.CopyFrom(sound.duration(heard.seconds))
    subtitles = options.format in SUBTITLES
    if not transcript.segments and (options.segment_timestamps or options.HasField("diarization") or subtitles):
        transcript.segments.extend(segments_of(transcript.words, transcript.text))
    if subtitles:
        if transcript.text and not transcript.segments:
            raise ProviderBadResponse("the provider told no times, so no subtitles can be made; ask for plain text")
        render = srt if options.format == audio_pb2.TRANSCRIPT_FORMAT_SRT else vtt
        transcript.rendered = render(transcript.segments)
    elif options.format == audio_pb2.TRANSCRIPT_FORMAT_TEXT:
        transcript.rendered = transcript.text
    if not answer.HasField("usage"):
        answer.usage.CopyFrom(estimated(heard.seconds, transcript.text))


def shift(transcript: Transcript, seconds: float) -> None:
    """Has every time of ``transcript`` come so much later."""
    shift_each(transcript, lambda told: told + seconds)


def shift_each(transcript: Transcript, moved: Callable[[float], float]) -> None:
    """Has every time of ``transcript``, in seconds, be what ``moved`` makes of it."""
    offsets = [offset for one in transcript.segments for offset in (one.start_offset, one.end_offset)]
    offsets += [offset for one in transcript.words for offset in (one.start_offset, one.end_offset)]
    for offset in offsets:
        offset.CopyFrom(sound.duration(moved(offset.ToMicroseconds() / 1_000_000)))


def estimated(seconds: float | None, text: str) -> Usage:
    """Usage where the provider told none: the recording's own length, and the tokens of what was heard."""
    written = estimate.tokens(estimate.text_size(text))
    usage = Usage(output_tokens=written, total_tokens=written, estimated=True)
    if seconds is not None:
        usage.billed_audio_duration.CopyFrom(sound.duration(seconds))
    return usage
