"""What the sandbox serves, for lists and help texts. Needs nothing, so that a list of models stays cheap."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SandboxModel:
    """One model, or one family of them.

    ``name`` is the bare name (no ``sandbox/``); a family's holds its parameter, as in ``fail-<status>``.
    ``example`` is an id that can be called, the same as ``name`` where there is no parameter. ``capabilities``
    are words of: chat, tools, json_schema, reasoning, vision, embedding, image, image_edit, speech, transcription,
    live_transcription.
    """

    name: str
    description: str
    capabilities: tuple[str, ...] = ("chat",)
    example: str = ""

    def __post_init__(self) -> None:
        if not self.example:
            object.__setattr__(self, "example", self.name)


_FAMILIES = ("fail-", "slow-")


def is_served(name: str) -> bool:
    """Whether the sandbox has a model of that name, or a family whose parameter it may hold."""
    return name.startswith(_FAMILIES) or any(name == model.name for model in MODELS)


MODELS: tuple[SandboxModel, ...] = (
    SandboxModel("echo", "repeats the last user text"),
    SandboxModel("story", "as many tokens as asked for, at metadata.tokens_per_second"),
    SandboxModel("tools", "calls the tools it is given, then quotes their results", ("chat", "tools")),
    SandboxModel("json", "fills the schema of response_format", ("chat", "json_schema")),
    SandboxModel("vision", "says the format and size of the images it got", ("chat", "vision")),
    SandboxModel("reason", "reasons first, then answers", ("chat", "reasoning")),
    SandboxModel("embed", "vectors whose cosine follows the words that texts share, of any length", ("embedding",)),
    SandboxModel("draw", "draws a pattern from the prompt, and on images and masks", ("image", "image_edit")),
    SandboxModel("speak", "makes a melody of the text, in wav, pcm, flac, mulaw or alaw", ("speech",)),
    SandboxModel(
        "hear",
        "gives back the text of what sandbox/speak made, and the length of other audio",
        ("transcription", "live_transcription"),
    ),
    SandboxModel("fail-<status>", "fails with that HTTP status, 400 to 599", example="fail-503"),
    SandboxModel("slow-<ms>", "waits that many milliseconds, then repeats the last user text", example="slow-1000"),
    SandboxModel("hang", "never answers"),
    SandboxModel("cut", "breaks off in the middle of its answer"),
    SandboxModel("garbage", "answers 200 with bytes that are no answer"),
)
