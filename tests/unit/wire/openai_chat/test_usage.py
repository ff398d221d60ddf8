from typing import Any

import pytest
from aignehub.v1 import usage_pb2
from aignehub.v1.usage_pb2 import ModalityTokens, Usage

from server.wire.openai_chat.usage import read_usage, unread_usage


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param(
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "total_tokens": 150,
                "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
                "completion_tokens_details": {
                    "reasoning_tokens": 20,
                    "accepted_prediction_tokens": 3,
                    "rejected_prediction_tokens": 4,
                },
            },
            Usage(
                input_tokens=100,
                output_tokens=50,
                total_tokens=150,
                cached_input_tokens=64,
                reasoning_output_tokens=20,
                accepted_prediction_tokens=3,
                rejected_prediction_tokens=4,
            ),
            id="openai",
        ),
        pytest.param(
            {
                "prompt_tokens": 12,
                "completion_tokens": 1,
                "total_tokens": 241,
                "prompt_tokens_details": {"text_tokens": 12, "cached_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 228},
                "cost_in_usd_ticks": 1176500,
            },
            Usage(
                input_tokens=12,
                output_tokens=229,
                total_tokens=241,
                cached_input_tokens=2,
                reasoning_output_tokens=228,
                input_by_modality=[ModalityTokens(modality=usage_pb2.MODALITY_TEXT, tokens=12)],
                provider_cost_nano_usd=117650,
            ),
            id="xai_leaves_reasoning_out_of_its_sum",
        ),
        pytest.param(
            {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109},
            Usage(input_tokens=35, output_tokens=74, total_tokens=109),
            id="gemini_leaves_thoughts_out_unnamed",
        ),
        pytest.param(
            {
                "prompt_tokens": 9,
                "completion_tokens": 201,
                "total_tokens": 585,
                "prompt_tokens_details": {"audio_tokens": 375},
            },
            Usage(
                input_tokens=384,
                output_tokens=201,
                total_tokens=585,
                input_by_modality=[ModalityTokens(modality=usage_pb2.MODALITY_AUDIO, tokens=375)],
            ),
            id="mistral_leaves_audio_out",
        ),
        pytest.param(
            {
                "prompt_tokens": 7,
                "completion_tokens": 8,
                "total_tokens": 15,
                "prompt_tokens_details": {"cached_tokens": 161},
            },
            Usage(input_tokens=168, output_tokens=8, total_tokens=176, cached_input_tokens=161),
            id="grok_on_azure_leaves_cached_out",
        ),
        pytest.param(
            {"prompt_tokens": 10, "completion_tokens": 2, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 6},
            Usage(input_tokens=10, output_tokens=2, total_tokens=12, cached_input_tokens=4),
            id="deepseek_cache",
        ),
        pytest.param(
            {"prompt_tokens": 10, "completion_tokens": 2, "cached_tokens": 4},
            Usage(input_tokens=10, output_tokens=2, total_tokens=12, cached_input_tokens=4),
            id="together_cache",
        ),
        pytest.param(
            {"prompt_tokens": 10, "total_tokens": 12, "completion_tokens": None, "completion_tokens_details": None},
            Usage(input_tokens=10, output_tokens=2, total_tokens=12),
            id="the_total_tells_what_is_missing",
        ),
        pytest.param(
            {
                "prompt_tokens": 10,
                "completion_tokens": 2,
                "total_tokens": 12,
                "cost": 0.000669,
                "prompt_tokens_details": {"cache_write_tokens": 5, "video_tokens": 3},
                "completion_tokens_details": {"image_tokens": 2},
                "server_tool_use_details": {"web_search_requests": 2, "tool_calls_executed": 1},
            },
            Usage(
                input_tokens=10,
                output_tokens=2,
                total_tokens=12,
                cache_write_input_tokens=5,
                input_by_modality=[ModalityTokens(modality=usage_pb2.MODALITY_VIDEO, tokens=3)],
                output_by_modality=[ModalityTokens(modality=usage_pb2.MODALITY_IMAGE, tokens=2)],
                provider_cost_nano_usd=669000,
                server_tool_calls={"web_search": 2},
            ),
            id="openrouter",
        ),
        pytest.param(
            {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12, "cost": {"total_cost": 0.00503}},
            Usage(input_tokens=10, output_tokens=2, total_tokens=12, provider_cost_nano_usd=5030000),
            id="perplexity_cost",
        ),
        pytest.param(
            {"prompt_tokens": 10, "completion_tokens": 2, "reasoning_tokens": 1},
            Usage(input_tokens=10, output_tokens=2, total_tokens=12, reasoning_output_tokens=1),
            id="reasoning_beside_the_sums",
        ),
        pytest.param({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, None, id="zero_is_not_told"),
        pytest.param({}, None, id="empty"),
        pytest.param({"prompt_tokens": True, "completion_tokens": "5"}, None, id="wrong_types"),
        pytest.param(
            {"prompt_tokens": 2**31 - 1, "completion_tokens": 2**31 - 1},
            Usage(input_tokens=2**31 - 1, output_tokens=2**31 - 1, total_tokens=2**31 - 1),
            id="sums_stay_in_range",
        ),
        pytest.param(
            {"prompt_tokens": 3.0, "completion_tokens": 1, "cost": -1, "cost_in_usd_ticks": 1e30},
            Usage(input_tokens=3, output_tokens=1, total_tokens=4),
            id="senseless_costs",
        ),
    ],
)
def test_usage(told: dict[str, Any], expected: Usage | None) -> None:
    assert read_usage(told) == expected


def test_seconds_of_sound_that_are_billed() -> None:
    usage = read_usage({"prompt_tokens": 1, "completion_tokens": 1, "prompt_audio_seconds": 4})
    assert usage is not None
    assert usage.billed_audio_duration.seconds == 4


def test_what_usage_has_no_field_for() -> None:
    told = {
        "prompt_tokens": 1,
        "total_time": 0.5,
        "is_byok": False,
        "cost": 0.1,
        "cost_details": {"upstream_inference_cost": None},
        "prompt_tokens_details": {"cached_tokens": 0, "tool_tokens": 3},
        "server_tool_use_details": {"web_search_requests": 2, "tool_calls_executed": 1},
        "nothing": None,
    }
    assert unread_usage(told) == {
        "total_time": 0.5,
        "is_byok": False,
        "cost_details": {"upstream_inference_cost": None},
        "prompt_tokens_details": {"tool_tokens": 3},
        "server_tool_use_details": {"tool_calls_executed": 1},
    }
    assert unread_usage({"cost": {"total_cost": 1.0}}) == {"cost": {"total_cost": 1.0}}
