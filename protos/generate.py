"""Compiles protos/ into generated/: Python modules, their type stubs and one self-contained descriptor set.

Run it with `make generate`. No third-party .proto is kept here: google/api and google/rpc come from
googleapis-common-protos, and validate.proto exists only as a descriptor inside the protovalidate package.
"""

import shutil
import sys
import tempfile
from importlib import resources
from pathlib import Path

import google.rpc.status_pb2  # the package whose folder holds google/api and google/rpc sources
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc
from protovalidate._gen.buf.validate import validate_pb

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
GENERATED = ROOT / "generated"
DESCRIPTOR_SET = GENERATED / "aignehub.binpb"
VALIDATE = "buf/validate/validate.proto"
DETAILS = "google/rpc/error_details.proto"
"""No file of ours imports it, yet a client that has only the descriptor set reads the details of errors by it."""


def main() -> None:
    """Regenerates everything below generated/; ends with a non-zero status where protoc refuses a file."""
    sources = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    for folder in ("aignehub", "buf"):
        shutil.rmtree(GENERATED / folder, ignore_errors=True)
    GENERATED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        known = Path(scratch) / "known.binpb"
        known.write_bytes(_known_descriptors(Path(scratch)).SerializeToString(deterministic=True))
        _compile(known, sources)
    _drop_empty_stubs()


def _compile(known: Path, sources: list[str]) -> None:
    options = [
        f"--descriptor_set_in={known}",
        f"-I{PROTOS}",
        f"--python_out={GENERATED}",
        f"--mypy_out=quiet:{GENERATED}",
    ]
    _protoc([*options, VALIDATE])
    # validate.proto has no service of its own, so only our files get gRPC stubs.
    services = [f"--grpc_python_out={GENERATED}", f"--mypy_grpc_out=only_async,quiet:{GENERATED}"]
    _protoc([*options, *services, *sources])
    whole = [f"--descriptor_set_out={DESCRIPTOR_SET}", "--include_imports", "--include_source_info"]
    _protoc([f"--descriptor_set_in={known}", f"-I{PROTOS}", *whole, *sources, DETAILS])


def _known_descriptors(scratch: Path) -> FileDescriptorSet:
    """Every third-party file the contract imports, in dependency order."""
    third_party = scratch / "google.binpb"
    common = Path(google.rpc.status_pb2.__file__).resolve().parents[2]
    wanted = ["google/api/annotations.proto", "google/api/field_behavior.proto", "google/rpc/status.proto", DETAILS]
    # validate.proto needs all of these, and a few of ours are needed by our own files alone.
    well_known = ["descriptor", "duration", "field_mask", "timestamp"]
    wanted += [f"google/protobuf/{name}.proto" for name in well_known]
    builtin = resources.files("grpc_tools") / "_proto"
    _protoc([f"-I{common}", f"-I{builtin}", "--include_imports", f"--descriptor_set_out={third_party}", *wanted])
    known = FileDescriptorSet.FromString(third_party.read_bytes())
    known.file.append(FileDescriptorProto.FromString(validate_pb._DESC.proto.to_binary()))
    return known


def _drop_empty_stubs() -> None:
    """Removes the gRPC modules protoc writes for files that hold no service."""
    for path in GENERATED.rglob("*_pb2_grpc.py"):
        if "Stub" not in path.read_text():
            path.unlink()
            path.with_suffix(".pyi").unlink(missing_ok=True)


def _protoc(arguments: list[str]) -> None:
    if protoc.main(["protoc", *arguments]) != 0:
        sys.exit("protoc failed; its message is above")


if __name__ == "__main__":
    main()
