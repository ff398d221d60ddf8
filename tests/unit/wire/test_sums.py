"""Usage of a call that took several requests."""

from aignehub.v1.usage_pb2 import MODALITY_IMAGE, MODALITY_TEXT, ModalityTokens, Usage

from server.wire.sums import add_usage


def test_counts_are_summed_and_a_guess_stays_a_guess() -> None:
    text, image = (ModalityTokens(modality=kind, tokens=2) for kind in (MODALITY_TEXT, MODALITY_IMAGE))
    total = Usage(input_tokens=3, total_tokens=3, input_by_modality=[text], server_tool_calls={"a": 1})
    more = Usage(
        input_tokens=4, total_tokens=4, input_by_modality=[image, text], estimated=True, server_tool_calls={"a": 2}
    )
    more.billed_audio_duration.FromMilliseconds(1500)
    add_usage(total, more)
    add_usage(total, Usage(input_tokens=2**31 - 1))
    assert (total.input_tokens, total.total_tokens, total.estimated) == (2**31 - 1, 7, True)
    assert {one.modality: one.tokens for one in total.input_by_modality} == {MODALITY_TEXT: 4, MODALITY_IMAGE: 2}
    assert total.server_tool_calls == {"a": 3}
    assert total.billed_audio_duration.ToMilliseconds() == 1500


def test_a_cost_that_is_known_in_part_is_not_told() -> None:
    total = Usage(provider_cost_nano_usd=5, cost_nano_usd=1)
    add_usage(total, Usage(provider_cost_nano_usd=7))
    assert total.provider_cost_nano_usd == 12
    assert not total.HasField("cost_nano_usd")
