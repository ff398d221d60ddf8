"""Words as Deepgram tells them, in answers and in events."""

from aignehub.v1.audio_pb2 import TranscriptWord

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire import sound
from server.wire.json_value import Json, Object

_MOST_TIMED = 200_000  # words: more than a day of speech


def read_words(told: Json) -> list[TranscriptWord]:
    """Words with times, confidence and the speaker's number. Raises ProviderBadResponse where they are too many."""
    found = json.objects(told)
    if len(found) > _MOST_TIMED:
        raise ProviderBadResponse("the provider sent more words than the hub reads")
    return [_word(one) for one in found]


def first_alternative(channel: Json) -> Object:
    """The likeliest reading of a channel; empty where there is none."""
    return next(iter(json.objects(json.obj(channel).get("alternatives"))), {})


def language_of(alternative: Object) -> str:
    """The language that was heard most; empty where it is not told."""
    return next((json.text(one) for one in json.items(alternative.get("languages"))), "")


def seconds(told: Json) -> float:
    """A time, 0 where it is none."""
    return max(0.0, json.number(told) or 0.0)


def _word(told: Object) -> TranscriptWord:
    word = TranscriptWord(
        word=json.text(told.get("punctuated_word")) or json.text(told.get("word")),
        start_offset=sound.duration(seconds(told.get("start"))),
        end_offset=sound.duration(seconds(told.get("end"))),
        speaker=json.word(told.get("speaker")),
    )
    chance = json.number(told.get("confidence"))
    if chance is not None and 0 <= chance <= 1:
        word.confidence = chance
    return word
