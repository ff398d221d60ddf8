"""``hub embed``: texts to vectors, as JSON lines or a .npy file."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import typer
from aignehub.v1 import embedding_service_pb2

from server.cli.client import Hub, explained
from server.cli.connection import Target
from server.cli.duration import parse_duration
from server.cli.embed_output import JsonLines, NpyFile, Sink
from server.cli.embed_progress import Progress
from server.cli.embed_source import Source, batches_of, lines_of_standard_input, read_texts
from server.cli.embed_stream import embed_all
from server.cli.failure import USAGE, CommandFailed
from server.cli.options import TargetOf, with_target
from server.cli.terminal import note

_BATCH = 64

Texts = Annotated[
    list[str] | None,
    typer.Argument(metavar="TEXT", help="What to embed, one vector each; without any, every line of standard input."),
]
Files = Annotated[
    list[Path] | None, typer.Option("--file", "-f", metavar="FILE", help="Embed a file's whole text; repeat for more.")
]
Npy = Annotated[
    Path | None,
    typer.Option(metavar="OUT.npy", help="Write one array of float32, a row each, in place of JSON lines."),
]


@with_target
def embed(
    target_of: TargetOf,
    texts: Texts = None,
    file: Files = None,
    model: Annotated[
        str,
        typer.Option("--model", "-m", metavar="MODEL", help="As `hub models` lists it; the hub's default without it."),
    ] = "",
    dimensions: Annotated[
        int | None, typer.Option(min=1, max=65536, metavar="N", help="Length of the vectors.")
    ] = None,
    task: Annotated[
        str, typer.Option(metavar="TASK", help="What they are for: retrieval_query, retrieval_document, …")
    ] = "",
    npy: Npy = None,
    batch: Annotated[int, typer.Option(min=1, max=2048, metavar="N", help="Texts sent together.")] = _BATCH,
    deadline: Annotated[
        str | None, typer.Option(metavar="SECONDS", help="Give up after so long, for example 30 or 2m.")
    ] = None,
    usage: Annotated[bool, typer.Option("--usage", help="Print the tokens to standard error.")] = False,
) -> int:
    """Turn texts into vectors, in their order: a JSON line each, {"index": 0, "embedding": [...]}."""
    begin = embedding_service_pb2.CreateEmbeddingsRequest(model=_sound_model(model), task=_task(task))
    if dimensions is not None:
        begin.dimensions = dimensions
    timeout = parse_duration(deadline, "--deadline", bare_seconds=True) if deadline else None
    source = read_texts(texts or (), file or ())
    sink: Sink = NpyFile(npy) if npy else JsonLines()
    return asyncio.run(_embed(target_of(), begin, source, sink, batch=batch, timeout=timeout, show_usage=usage))


async def _embed(
    target: Target,
    begin: embedding_service_pb2.CreateEmbeddingsRequest,
    source: Source | None,
    sink: Sink,
    *,
    batch: int,
    timeout: float | None,
    show_usage: bool,
) -> int:
    texts: AsyncIterator[str] = source.texts() if source else lines_of_standard_input()
    tokens = count = 0
    with Progress(source.count if source else None) as progress, sink, explained(target):
        async with Hub(target) as hub, aclosing(batches_of(texts, batch)) as batches:
            answers = embed_all(hub, begin, batches, timeout)
            async with aclosing(answers):
                async for answer in answers:
                    progress.hide()
                    sink.write(count, answer)
                    count += len(answer.embeddings)
                    tokens += answer.usage.input_tokens
                    progress.show(count)
        if not count:
            raise CommandFailed(
                "there is nothing to embed", 'give a TEXT, for example: hub embed "Hello"', status=USAGE
            )
        sink.finish()
    if show_usage:
        note(f"usage: {tokens} input tokens; {count} embeddings")
    return 0


def _sound_model(model: str) -> str:
    if not model.isascii():
        raise CommandFailed("--model: no model has such a name", "see `hub models`", status=USAGE)
    return model


def _task(word: str) -> embedding_service_pb2.EmbeddingTask.ValueType:
    if not word:
        return embedding_service_pb2.EMBEDDING_TASK_UNSPECIFIED
    try:
        return embedding_service_pb2.EmbeddingTask.Value(f"EMBEDDING_TASK_{word.upper()}")
    except ValueError:
        names = embedding_service_pb2.EmbeddingTask.keys()[1:]
        known = ", ".join(name.removeprefix("EMBEDDING_TASK_").lower() for name in names)
        raise CommandFailed(f"--task: {word!r} is none", f"choose one of {known}", status=USAGE) from None
