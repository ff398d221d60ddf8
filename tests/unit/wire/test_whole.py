"""A whole answer as a stream: every part stays a part of its own."""

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ContentPart, Message
from aignehub.v1.chat_service_pb2 import ChatChoice, CreateChatCompletionResponse

from server.wire.chat.whole import as_stream


def test_text_parts_keep_their_places_and_proofs() -> None:
    parts = [
        ContentPart(text="a"),
        ContentPart(text="b"),
        ContentPart(text="c", signature=b"sig-c"),
        ContentPart(text="d"),
        ContentPart(text="", signature=b"sig-e"),
    ]
    choice = ChatChoice(
        message=Message(role=chat_pb2.ROLE_ASSISTANT, content=parts), finish_reason=chat_pb2.FINISH_REASON_STOP
    )
    deltas = as_stream(CreateChatCompletionResponse(choices=[choice])).choices
    assert [(delta.part_index, delta.content, delta.content_signature) for delta in deltas] == [
        (0, "a", b""),
        (1, "b", b""),
        (2, "c", b"sig-c"),
        (3, "d", b""),
        (4, "", b"sig-e"),
    ]
    assert deltas[-1].finish_reason == chat_pb2.FINISH_REASON_STOP
    assert [delta.role for delta in deltas] == [chat_pb2.ROLE_ASSISTANT, 0, 0, 0, 0]
