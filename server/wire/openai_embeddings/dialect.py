"""How one host differs from OpenAI's embeddings. A host is a row of these; see providers/embeddings.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from aignehub.v1 import embedding_service_pb2 as pb

from server.wire.openai_embeddings.inputs import WriteInput, openai_input

FLOAT32 = pb.EMBEDDING_ENCODING_FLOAT32_LE
INT8 = pb.EMBEDDING_ENCODING_INT8
UINT8 = pb.EMBEDDING_ENCODING_UINT8
BINARY = pb.EMBEDDING_ENCODING_BINARY
UBINARY = pb.EMBEDDING_ENCODING_UBINARY


@dataclass(frozen=True, slots=True)
class Format:
    """How vectors travel from the host, as a JSON array or base64 text."""

    kind: int
    """What they then are: FLOAT32, INT8, UINT8, BINARY or UBINARY."""
    word: str = ""
    """The host's word for it, such as base64; empty where none is sent."""
    dtype: str = ""
    """Its ``output_dtype``; empty where none is sent."""
    low_bit_first: bool = False
    """The first number of eight is the lowest bit of their byte; elsewhere, as numpy packs, the highest."""


BASE64_FLOATS: Mapping[int, Format] = MappingProxyType({FLOAT32: Format(FLOAT32, "base64")})
JSON_FLOATS: Mapping[int, Format] = MappingProxyType({FLOAT32: Format(FLOAT32)})


@dataclass(frozen=True, slots=True)
class EmbeddingsDialect:
    """One host's ways. The defaults are those of a careful guess: nothing that a strict server might refuse."""

    name: str
    path: str = "/embeddings"
    """Path of the call; ``{model}`` in it is replaced by the escaped model."""
    inputs: frozenset[str] = frozenset({"text"})
    """Of text, tokens, image."""
    max_inputs: int = 2048
    """Inputs in one request."""
    max_tokens: int = 0
    """Tokens in one request, all inputs together; 0 where the host does not say."""
    image_tokens: int = 0
    """Most of them that an image counts as."""
    write: WriteInput = openai_input
    """How an input that is no text is written; see inputs.py."""
    input_name: str = "input"
    """Its name for the inputs."""
    formats: Mapping[int, Format] = field(default_factory=lambda: JSON_FLOATS)
    """How it sends each of the contract's encodings; what is missing is refused."""
    format_name: str = "encoding_format"
    """Its name for a format's word."""
    dimensions: bool = False
    """Takes a vector length. Elsewhere the field is refused: a vector of another length is of no use."""
    lengths: tuple[int, ...] = ()
    """Those it can be asked for; empty for any."""
    dimensions_name: str = "dimensions"
    """Its name for that."""
    user: bool = False
    tasks: Mapping[int, str] = field(default_factory=dict)
    """Its word for a task; others are dropped and listed."""
    task_name: str = "input_type"
    """Its name for that word."""
    truncates: bool | None = None
    """Whether an input that is too long is cut without being asked; None where the host does not say."""
    truncation_name: str = ""
    """Its name for whether inputs that are too long are cut; empty where it has none."""
    truncate_prompt_tokens: bool = False
    """Takes vLLM's field of that name."""
