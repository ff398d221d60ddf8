"""What a client finds that has nothing of the hub but its descriptor set."""

from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import error_details_pb2

_SET = Path(__file__).parents[2] / "generated" / "aignehub.binpb"


def _pool() -> DescriptorPool:
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(_SET.read_bytes()).file:
        pool.AddSerializedFile(file.SerializeToString())  # refuses a file whose imports did not come before it
    return pool


def test_it_stands_alone_and_holds_every_service() -> None:
    chat = _pool().FindServiceByName("aignehub.v1.ChatService")
    assert chat.methods_by_name["StreamChatCompletion"].server_streaming


def test_it_holds_the_details_of_errors() -> None:
    pool = _pool()
    for name in error_details_pb2.DESCRIPTOR.message_types_by_name:
        assert pool.FindMessageTypeByName(f"google.rpc.{name}")
