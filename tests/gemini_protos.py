"""Google's published protos as a judge of requests: they refuse unknown fields and wrong values."""

import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message_factory import GetMessageClass

from tests.contract.shared import SPECS

ROOT = SPECS / "google-protos"
_PACKAGE = "google/ai/generativelanguage/v1beta"


def complaint(kind: str, body: Any) -> str:
    """What the message of that name says against a body; empty where nothing."""
    message = GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE.replace('/', '.')}.{kind}"))()
    try:
        ParseDict(body, message)
    except ParseError as error:
        return str(error)
    return ""


@cache
def _pool() -> DescriptorPool:
    # It takes a second to import.
    from grpc_tools import protoc  # type: ignore[import-untyped]

    common = str(files("google.api").joinpath("annotations.proto")).removesuffix("/google/api/annotations.proto")
    own = str(files("grpc_tools").joinpath("_proto"))
    with tempfile.NamedTemporaryFile() as found:
        sources = [f"{_PACKAGE}/generative_service.proto"]
        asked = ["protoc", f"-I{ROOT}", f"-I{common}", f"-I{own}", "--include_imports"]
        assert protoc.main([*asked, f"--descriptor_set_out={found.name}", *sources]) == 0
        told = FileDescriptorSet.FromString(Path(found.name).read_bytes())
    pool = DescriptorPool()
    for file in told.file:
        pool.Add(file)
    return pool
