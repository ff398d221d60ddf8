"""An utterance of a live session as the caller is told it."""

from aignehub.v1.audio_pb2 import Transcript, TranscriptionOptions, TranscriptSegment

from server.wire import sound
from server.wire.audio.complete import shift
from server.wire.audio.live import Event
from server.wire.audio.subtitles import segments_of


def final_transcript(
    event: Event, options: TranscriptionOptions, *, began: float, ended: float, session_begins: float
) -> Transcript:
    """The transcript of a COMPLETED event, its times in seconds counted from the start of all audio.

    Words come where they are asked for; segments always, a single one where the provider told no more.
    """
    text = event.text.strip()
    transcript = Transcript(text=text, duration=sound.duration(ended - began))
    if event.transcript is not None:
        told = Transcript(words=event.transcript.words, language=event.transcript.language)
        shift(told, session_begins)
        transcript.language = told.language
        if options.word_timestamps:
            transcript.words.extend(told.words)
        if options.segment_timestamps or options.HasField("diarization"):
            transcript.segments.extend(segments_of(told.words, text))
    if len(options.languages) == 1 and not transcript.language:
        transcript.language = options.languages[0]
    if not transcript.segments:
        transcript.segments.append(
            TranscriptSegment(text=text, start_offset=sound.duration(began), end_offset=sound.duration(ended))
        )
    return transcript
