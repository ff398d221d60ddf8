"""What `hub models` says of a model."""

import pytest
from aignehub.v1 import model_service_pb2 as pb
from aignehub.v1.usage_pb2 import MODALITY_IMAGE, MODALITY_TEXT

from server.cli.model_words import abilities, tokens, usual_prices
from server.models.bundled import price_list


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, ""), (512, "512"), (4096, "4.1k"), (128_000, "128k"), (131_072, "131k"), (999_499, "999k"),
        (999_500, "1M"), (1_048_576, "1.05M"), (2_000_000, "2M"),
    ],
)  # fmt: skip
def test_tokens_are_rounded(number: int, said: str) -> None:
    assert tokens(number) == said


@pytest.mark.parametrize(
    ("bands", "said"),
    [
        ([{"input": 1_250_000_000, "output": 10_000_000_000}], "1.25 in, 10.00 out"),
        ([{"input": 75_000_000, "cached_input": 7_500_000, "output": 0}], "0.075 in, 0.0075 cached, 0.00 out"),
        ([{"input": 1_000_000_000}, {"above": 200_000, "input": 2_000_000_000}], "1.00 in +"),
        ([{"image": 40_000_000}], "0.04 an image"),
        ([{"audio_hour": 360_000_000}], "0.36 an hour"),
        ([{"characters": 15_000_000_000}], "15.00 a million characters"),
        ([{"input": 1, "call": 12_000_000}], "0.000000001 in, 0.012 a call"),
        ([], ""),
    ],
)
def test_prices_are_exact(bands: list[dict[str, int]], said: str) -> None:
    assert usual_prices(pb.Model(prices=price_list(bands))) == said


def test_another_price_in_another_tier_is_hinted_at() -> None:
    prices = [*price_list([{"input": 10**9}]), *price_list([{"input": 5 * 10**8}], "flex")]
    assert usual_prices(pb.Model(prices=prices)) == "1.00 in +"


def test_a_chat_that_reads_images_says_so() -> None:
    chat = pb.Model(
        capabilities=[pb.MODEL_CAPABILITY_CHAT, pb.MODEL_CAPABILITY_JSON_SCHEMA],
        input_modalities=[MODALITY_TEXT, MODALITY_IMAGE],
    )
    assert abilities(chat) == "chat, json schema, vision"
    assert abilities(pb.Model(capabilities=[pb.MODEL_CAPABILITY_IMAGE_EDIT], input_modalities=[MODALITY_IMAGE])) == (
        "image edit"
    )
