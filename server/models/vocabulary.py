"""The words of settings and data files for what the contract has numbers for."""

from collections.abc import Mapping
from types import MappingProxyType

from aignehub.v1 import model_service_pb2 as pb
from aignehub.v1 import usage_pb2

CAPABILITIES: Mapping[str, "pb.ModelCapability.ValueType"] = MappingProxyType(
    {
        "chat": pb.MODEL_CAPABILITY_CHAT,
        "tools": pb.MODEL_CAPABILITY_TOOLS,
        "json_schema": pb.MODEL_CAPABILITY_JSON_SCHEMA,
        "reasoning": pb.MODEL_CAPABILITY_REASONING,
        "embedding": pb.MODEL_CAPABILITY_EMBEDDING,
        "image": pb.MODEL_CAPABILITY_IMAGE,
        "image_edit": pb.MODEL_CAPABILITY_IMAGE_EDIT,
        "transcription": pb.MODEL_CAPABILITY_TRANSCRIPTION,
        "live_transcription": pb.MODEL_CAPABILITY_LIVE_TRANSCRIPTION,
        "speech": pb.MODEL_CAPABILITY_SPEECH,
    }
)
VISION = "vision"
"""A word of settings that the contract has no capability for: it tells it as an input modality."""

MODALITIES: Mapping[str, "usage_pb2.Modality.ValueType"] = MappingProxyType(
    {
        "text": usage_pb2.MODALITY_TEXT,
        "image": usage_pb2.MODALITY_IMAGE,
        "audio": usage_pb2.MODALITY_AUDIO,
        "video": usage_pb2.MODALITY_VIDEO,
        "document": usage_pb2.MODALITY_DOCUMENT,
        "embedding": usage_pb2.MODALITY_EMBEDDING,
    }
)

PRICES: Mapping[str, "pb.PriceUnit.ValueType"] = MappingProxyType(
    {
        "input": pb.PRICE_UNIT_INPUT_TOKENS_MILLION,
        "output": pb.PRICE_UNIT_OUTPUT_TOKENS_MILLION,
        "cached_input": pb.PRICE_UNIT_CACHED_INPUT_TOKENS_MILLION,
        "cache_write": pb.PRICE_UNIT_CACHE_WRITE_TOKENS_MILLION,
        "cache_write_1h": pb.PRICE_UNIT_CACHE_WRITE_1H_TOKENS_MILLION,
        "reasoning_output": pb.PRICE_UNIT_REASONING_OUTPUT_TOKENS_MILLION,
        "input_audio": pb.PRICE_UNIT_INPUT_AUDIO_TOKENS_MILLION,
        "output_audio": pb.PRICE_UNIT_OUTPUT_AUDIO_TOKENS_MILLION,
        "cached_input_audio": pb.PRICE_UNIT_CACHED_INPUT_AUDIO_TOKENS_MILLION,
        "input_image": pb.PRICE_UNIT_INPUT_IMAGE_TOKENS_MILLION,
        "output_image": pb.PRICE_UNIT_OUTPUT_IMAGE_TOKENS_MILLION,
        "cached_input_image": pb.PRICE_UNIT_CACHED_INPUT_IMAGE_TOKENS_MILLION,
        "input_video": pb.PRICE_UNIT_INPUT_VIDEO_TOKENS_MILLION,
        "output_video": pb.PRICE_UNIT_OUTPUT_VIDEO_TOKENS_MILLION,
        "characters": pb.PRICE_UNIT_CHARACTERS_MILLION,
        "image": pb.PRICE_UNIT_IMAGE,
        "audio_minute": pb.PRICE_UNIT_AUDIO_MINUTE,
        "audio_hour": pb.PRICE_UNIT_AUDIO_HOUR,
        "call": pb.PRICE_UNIT_CALL,
        "web_search": pb.PRICE_UNIT_WEB_SEARCH,
        "file_search": pb.PRICE_UNIT_FILE_SEARCH,
    }
)
