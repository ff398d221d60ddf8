"""What a model that draws is asked for at Bedrock: a Way whose body is JSON, its images base64."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aignehub.v1.image_service_pb2 import EditImagesRequest

from server.errors import InvalidArgument
from server.wire.chat.media import base64_text
from server.wire.extra_body import PATH, merge_extra_body
from server.wire.images.masks import painted
from server.wire.images.options import Draft
from server.wire.images.sources import source_bytes
from server.wire.images.ways import Way, way_of
from server.wire.json_text import check_object
from server.wire.pictures import ImageRequest

INVOKE = "/model/{model}/invoke"
_TASK = "taskType"
_CONFIG = "imageGenerationConfig"
_CONFIGURED = frozenset({"numberOfImages", "width", "height", "quality", "seed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Way):
    """One way to ask one family of models."""

    sources: tuple[str, ...] = ("image",)
    """Names of the sources, in their order. ``images[]`` takes them all, as a list."""
    mask: str = "mask"
    grays: bool = True
    """Reads masks that are neither black nor white in places."""
    task: str = ""
    """Amazon's name for it; empty for other makers' models, which do one thing each."""
    params: str = ""
    """Field that holds what is special to the task; empty where all stands side by side."""
    owned: frozenset[str] = frozenset()
    """Fields at the top that gateway.extra_body_json may not set."""
    unasked: bool = True
    """What the request itself may ask for; another task the caller names in gateway.extra_body_json."""


def task_of(tasks: Sequence[Task], request: ImageRequest, name: str) -> Task | None:
    """The task for a request to the foundation model ``name``; None where the model is not known to draw.

    Raises InvalidArgument where the caller names a task that the model does not have for such a request.
    """
    own = [task for task in tasks if task.row.pattern.fullmatch(name)]
    told = _told(request)
    if not told:
        return way_of([task for task in own if task.unasked], request, name) if own else None
    edit = isinstance(request, EditImagesRequest)
    able = [task for task in own if (task.row.edits if edit else task.row.generates)]
    found = next((task for task in able if task.task == told), None)
    if own and found is None:
        there_are = ", ".join(task.task for task in able if task.task) or "none"
        raise InvalidArgument.field(PATH, f"{_TASK}: {name} has no {told[:64]} for such a call; there is {there_are}")
    return found


def _told(request: ImageRequest) -> str:
    extra = request.gateway.extra_body_json
    told = check_object(PATH, extra).get(_TASK) if extra else None
    return str(told) if told else ""


def body_of(task: Task, request: ImageRequest, draft: Draft) -> dict[str, Any]:
    """The whole body, with what gateway.extra_body_json adds."""
    fields = draft.body
    if isinstance(request, EditImagesRequest):
        fields |= _sources(task, request, draft.model)
    body = _grouped(task, fields) if task.params else fields
    extra = request.gateway.extra_body_json
    if extra:
        merge_extra_body(extra, body, owned=task.owned)
    for name, value in task.unless_told.items():
        body.setdefault(name, orjson.Fragment(value))
    if task.task:
        body.setdefault(_TASK, task.task)
    return body


def _sources(task: Task, request: EditImagesRequest, model: str) -> dict[str, Any]:
    images = [base64_text(source_bytes(media, f"images[{place}]")) for place, media in enumerate(request.images)]
    if task.sources == ("images[]",):
        fields: dict[str, Any] = {"images": images}
    elif len(images) != len(task.sources):
        raise InvalidArgument.field("images", f"{model} needs {len(task.sources)}: {', '.join(task.sources)}")
    else:
        fields = dict(zip(task.sources, images, strict=True))
    if request.HasField("mask"):
        mask = painted(source_bytes(request.mask, "mask"), marks=task.marks, grays=task.grays)
        fields[task.mask] = base64_text(mask)
    return fields


def _grouped(task: Task, fields: dict[str, Any]) -> dict[str, Any]:
    config = {name: value for name, value in fields.items() if name in _CONFIGURED}
    body: dict[str, Any] = {task.params: {name: value for name, value in fields.items() if name not in _CONFIGURED}}
    return body | ({_CONFIG: config} if config else {})
