"""``hub image``: a prompt, perhaps some pictures, and the pictures made of them in files."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import grpc
import typer
from aignehub.v1 import image_service_pb2 as pb

from server.cli.answer import describe_usage
from server.cli.client import Hub
from server.cli.duration import parse_duration, spoken_duration
from server.cli.failure import FAILED, USAGE, CommandFailed
from server.cli.options import with_hub
from server.cli.question import image_media, read_text, sound
from server.cli.terminal import note

_FORMATS = {"png": pb.IMAGE_FORMAT_PNG, "jpeg": pb.IMAGE_FORMAT_JPEG, "webp": pb.IMAGE_FORMAT_WEBP}
_BACKGROUNDS = {
    "auto": pb.IMAGE_BACKGROUND_AUTO,
    "transparent": pb.IMAGE_BACKGROUND_TRANSPARENT,
    "opaque": pb.IMAGE_BACKGROUND_OPAQUE,
}
_ENDINGS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}
_PREVIEWS = 2
_KIB = 1024

Prompt = Annotated[
    list[str] | None,
    typer.Argument(metavar="PROMPT", help="What to draw. - stands for standard input, and so does a pipe without it."),
]
Output = Annotated[
    str, typer.Option("--output", "-o", metavar="FILE", help="Where the picture goes; - for a pipe. Several: FILE-1, …")
]
Edits = Annotated[
    list[str] | None, typer.Option("--edit", metavar="FILE|URL", help="Change this picture; repeat for more.")
]
Mask = Annotated[
    str | None, typer.Option(metavar="FILE|URL", help="PNG; where it is see-through the first picture may change.")
]
Model = Annotated[
    str, typer.Option("--model", "-m", metavar="MODEL", help="As `hub models` lists it; the hub's default without it.")
]


@with_hub
async def image(
    hub: Hub,
    prompt: Prompt = None,
    output: Output = "-",
    model: Model = "",
    edit: Edits = None,
    mask: Mask = None,
    size: Annotated[str, typer.Option(metavar="SIZE", help="WIDTHxHEIGHT, a class such as 2K, or auto.")] = "",
    ratio: Annotated[str, typer.Option(metavar="W:H", help="In place of a size, where the model takes it.")] = "",
    quality: Annotated[str, typer.Option(metavar="WORD", help="The model's word, such as low or hd.")] = "",
    style: Annotated[str, typer.Option(metavar="WORD", help="The model's word, such as vivid.")] = "",
    background: Annotated[str, typer.Option(metavar="WORD", help="auto, transparent or opaque.")] = "",
    fmt: Annotated[
        str, typer.Option("--format", metavar="WORD", help="png, jpeg or webp; without it, as FILE ends.")
    ] = "",
    n: Annotated[int, typer.Option("--n", min=1, max=10, metavar="N", help="How many.")] = 1,
    previews: Annotated[
        int | None, typer.Option(min=0, max=3, metavar="N", help="Previews that show the progress; 2 without it.")
    ] = None,
    deadline: Annotated[
        str | None, typer.Option(metavar="SECONDS", help="Give up after so long, for example 90 or 5m.")
    ] = None,
    usage: Annotated[bool, typer.Option("--usage", help="Print tokens and cost to standard error.")] = False,
) -> int:
    """Make pictures from a prompt, or change some."""
    look = pb.ImageOptions(quality=sound(quality, "--quality"), style=sound(style, "--style"))
    look.size, look.aspect_ratio = sound(size, "--size"), sound(ratio, "--ratio")
    _choose_words(look, fmt or _format_of(output), background)
    look.partial_images = _PREVIEWS if previews is None else previews
    if n > 1:
        look.n = n
    files = _Files(output, n)
    timeout = parse_duration(deadline, "--deadline", bare_seconds=True) if deadline else None
    view = _View(files, asked_previews=previews is not None, show_usage=usage)
    asked = pb.GenerateImagesRequest(model=sound(model, "--model"), prompt=_prompt(prompt), options=look)
    if not edit:
        if mask:
            raise CommandFailed("--mask wants a picture to change", "name one with --edit", status=USAGE)
        drawing = hub.images.StreamGenerateImages(asked, metadata=hub.metadata, timeout=timeout)
        return await view.receive(drawing)
    change = pb.EditImagesRequest(model=asked.model, prompt=asked.prompt, options=look)
    change.images.extend(image_media(one, "--edit") for one in edit)
    if mask:
        change.mask.CopyFrom(image_media(mask, "--mask"))
    return await view.receive(hub.images.StreamEditImages(change, metadata=hub.metadata, timeout=timeout))


def _prompt(words: list[str] | None) -> str:
    text = sound(read_text(words or ()), "PROMPT")
    if not text.strip():
        raise CommandFailed("there is nothing to draw", 'give a PROMPT, for example: hub image "A cat"', status=USAGE)
    return text


def _format_of(output: str) -> str:
    """As the file ends; empty, so that the model decides, for a pipe and a name without an ending."""
    ending = Path(output).suffix.lower()
    if ending and ending not in _ENDINGS:
        known = ", ".join(_ENDINGS)
        raise CommandFailed(
            f"-o: no picture is written as {ending}", f"end FILE in one of {known}, or say --format", status=USAGE
        )
    return _ENDINGS.get(ending, "")


def _choose_words(look: pb.ImageOptions, form: str, background: str) -> None:
    if form:
        if form not in _FORMATS:
            raise _no_word("--format", form, _FORMATS)
        look.output_format = _FORMATS[form]
    if background:
        if background not in _BACKGROUNDS:
            raise _no_word("--background", background, _BACKGROUNDS)
        look.background = _BACKGROUNDS[background]


def _no_word(option: str, word: str, allowed: Iterable[str]) -> CommandFailed:
    return CommandFailed(f"{option}: {word!r} is none", f"give one of {', '.join(allowed)}", status=USAGE)


@dataclass(slots=True)
class _Files:
    """Where the pictures go: one file, numbered ones, or standard output."""

    output: str
    n: int
    written: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.output != "-":
            folder = Path(self.output).parent
            if not folder.is_dir():
                raise CommandFailed(f"-o: there is no folder {folder}", "make it first", status=USAGE)
        elif sys.stdout.isatty():
            raise CommandFailed("a picture is not shown on a terminal", "name a file with -o FILE", status=USAGE)
        elif self.n > 1:
            raise CommandFailed("several pictures do not fit one pipe", "name a file with -o FILE", status=USAGE)

    def write(self, index: int, data: bytes) -> str:
        """Writes one picture and returns where it went."""
        self.written += 1
        if self.output == "-":
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return "standard output"
        path = Path(self.output)
        if self.n > 1:
            path = path.with_name(f"{path.stem}-{index + 1}{path.suffix}")
        try:
            path.write_bytes(data)
        except OSError as error:
            why = error.strerror or "it cannot be written"
            raise CommandFailed(f"-o: {path}: {why}", "name a file that you can write") from None
        return str(path)


class _View:
    """Takes the events of a stream: tells how far it is, and writes every picture that is whole."""

    def __init__(self, files: _Files, *, asked_previews: bool, show_usage: bool) -> None:
        self._files = files
        self._asked_previews = asked_previews
        self._show_usage = show_usage
        self._began = monotonic()
        self._parts: dict[int, bytearray] = {}

    async def receive(self, call: grpc.aio.UnaryStreamCall[Any, pb.ImageStreamEvent]) -> int:
        """The exit status: 0 where at least one picture was written."""
        try:
            async for event in call:
                self._take(event)
        finally:
            # An abandoned call of grpc.aio is neither collected nor cancelled (grpc#43462); ended calls ignore this.
            call.cancel()
        return 0 if self._files.written else FAILED

    def _take(self, event: pb.ImageStreamEvent) -> None:
        match event.WhichOneof("event"):
            case "chunk" if not event.chunk.HasField("partial_index"):
                self._parts.setdefault(event.chunk.index, bytearray()).extend(event.chunk.data)
            case "partial_image":
                preview = event.partial_image
                note(f"image {preview.index + 1}: preview {preview.partial_index + 1} after {self._since()}")
            case "completed":
                self._keep(event.completed)
            case "summary":
                self._account(event.summary)
            case _:
                pass

    def _keep(self, made: pb.GeneratedImage) -> None:
        data = bytes(self._parts.pop(made.index, b"")) or made.media.data
        if not data:
            why = f": {made.filter_reason}" if made.filter_reason else ""
            note(f"image {made.index + 1}: filtered by the provider{why}")
            return
        where = self._files.write(made.index, data)
        size = f"{made.width}x{made.height} " if made.width else ""
        kib = max(1, len(data) // _KIB)
        note(f"image {made.index + 1}: {size}{made.media.mime_type}, {kib} KiB, to {where} after {self._since()}")

    def _account(self, summary: pb.ImageStreamSummary) -> None:
        unasked = () if self._asked_previews else ("options.partial_images",)
        if adjusted := [name for name in summary.gateway.adjusted_fields if name not in unasked]:
            note("note: dropped or changed for this provider: " + ", ".join(adjusted))
        if self._show_usage:
            note(describe_usage(summary.usage, summary.gateway))
            if summary.usage.billed_images:
                note(f"images billed: {summary.usage.billed_images}")

    def _since(self) -> str:
        return spoken_duration(monotonic() - self._began)
