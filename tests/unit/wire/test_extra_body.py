from typing import Any

import orjson
import pytest

from server.errors import InvalidArgument
from server.wire.extra_body import extra_fields, merge_extra_body


def test_fields_of_a_form() -> None:
    assert extra_fields('{"a": [1, "b"], "c": {"d": true}}', {"model"}) == [("a", "1"), ("a", "b"), ("c", '{"d":true}')]


@pytest.mark.parametrize("text", ['{"model": "x"}', '{"model[]": "x"}', "[1]", "{"])
def test_what_no_form_takes(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"gateway\.extra_body_json"):
        extra_fields(text, {"model"})


def test_objects_merge_and_nothing_is_replaced() -> None:
    body: dict[str, Any] = {"voice": "x", "output_format": {"codec": "mp3"}}
    merge_extra_body('{"output_format": {"bit_rate": 64000}, "new": 1}', body, owned={"model"})
    told = orjson.loads(orjson.dumps(body))
    assert told == {"voice": "x", "output_format": {"codec": "mp3", "bit_rate": 64000}, "new": 1}
    with pytest.raises(InvalidArgument, match=r"output_format\.codec"):
        merge_extra_body('{"output_format": {"codec": "wav"}}', body, owned=frozenset())
