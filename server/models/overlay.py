"""One account of a model over another: what the upper one tells wins, field by field."""

from typing import Any, cast

from aignehub.v1 import model_service_pb2 as pb


def lay_over(below: pb.Model, above: pb.Model) -> None:
    """Changes ``below`` to what ``above`` tells; what it leaves empty stays. Lists are replaced whole.

    >>> known = pb.Model(max_input_tokens=8, display_name="A")
    >>> lay_over(known, pb.Model(max_input_tokens=9))
    >>> known.max_input_tokens, known.display_name
    (9, 'A')
    """
    for field, _ in above.ListFields():
        below.ClearField(cast(Any, field.name))
    below.MergeFrom(above)
