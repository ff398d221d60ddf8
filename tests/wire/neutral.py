"""What an answer says, whoever read it: the reading of the recording and the gRPC client fill the same form."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class ToolCall:
    """A call for the caller to run."""

    id: str = ""
    name: str = ""
    arguments: str = ""
    """JSON text of a function, or the free text of a custom tool."""
    custom: bool = False


@dataclass(slots=True)
class Choice:
    """One answer among n."""

    text: str = ""
    reasoning: str = ""
    signatures: list[str] = field(default_factory=list)
    """Opaque proofs of reasoning, as the provider's text, in order."""
    refusal: str = ""
    tool_calls: list[ToolCall] = field(default_factory=list)
    finish: str = "UNSPECIFIED"
    """The contract's FinishReason without its prefix."""
    native_finish: str = ""
    audio: bytes = b""
    transcript: str = ""
    images: int = 0
    logprobs: int = 0
    """Tokens of content with a log probability."""
    citations: list[str] = field(default_factory=list)
    """URLs cited, each once, in order."""


@dataclass(slots=True)
class Usage:
    """Token counts by the contract's meaning: input with cached tokens, output with reasoning."""

    input: int = 0
    output: int = 0
    total: int = 0
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0


@dataclass(slots=True)
class Failure:
    """How a call fails."""

    code: str
    """The google.rpc.Code by name."""
    reason: str = ""
    """The ErrorInfo reason; empty in a reading where the contract leaves it open."""
    message: str = ""
    """In a reading the provider's own words, which the status must tell; empty where it must not or there are none."""


@dataclass(slots=True)
class Answer:
    """Everything that is compared."""

    id: str = ""
    model: str = ""
    created: int = 0
    service_tier: str = ""
    system_fingerprint: str = ""
    choices: dict[int, Choice] = field(default_factory=dict)
    usage: Usage | None = None
    """None where the provider sent none, or the hub said that it estimated."""
    failure: Failure | None = None
    breaches: list[str] = field(default_factory=list)
    """Rules of the contract that the hub's messages broke, found by whoever received them."""

    def choice(self, index: int) -> Choice:
        """The choice of that index, made at first sight."""
        return self.choices.setdefault(index, Choice())
