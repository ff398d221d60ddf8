"""The format's words for the contract's enumerations, both ways."""

from collections.abc import Mapping

from aignehub.v1 import audio_pb2, chat_pb2, chat_service_pb2, usage_pb2

ROLES: Mapping[int, str] = {
    chat_pb2.ROLE_SYSTEM: "system",
    chat_pb2.ROLE_DEVELOPER: "developer",
    chat_pb2.ROLE_USER: "user",
    chat_pb2.ROLE_ASSISTANT: "assistant",
    chat_pb2.ROLE_TOOL: "tool",
}

IMAGE_DETAILS: Mapping[int, str] = {
    chat_pb2.IMAGE_DETAIL_AUTO: "auto",
    chat_pb2.IMAGE_DETAIL_LOW: "low",
    chat_pb2.IMAGE_DETAIL_HIGH: "high",
}

TOOL_CHOICE_MODES: Mapping[int, str] = {
    chat_pb2.TOOL_CHOICE_MODE_AUTO: "auto",
    chat_pb2.TOOL_CHOICE_MODE_NONE: "none",
    chat_pb2.TOOL_CHOICE_MODE_REQUIRED: "required",
}

VERBOSITIES: Mapping[int, str] = {
    chat_service_pb2.VERBOSITY_LOW: "low",
    chat_service_pb2.VERBOSITY_MEDIUM: "medium",
    chat_service_pb2.VERBOSITY_HIGH: "high",
}

MODALITIES: Mapping[int, str] = {
    usage_pb2.MODALITY_TEXT: "text",
    usage_pb2.MODALITY_IMAGE: "image",
    usage_pb2.MODALITY_AUDIO: "audio",
    usage_pb2.MODALITY_VIDEO: "video",
}

OUTPUT_AUDIO_FORMATS: Mapping[int, str] = {
    audio_pb2.AUDIO_FORMAT_MP3: "mp3",
    audio_pb2.AUDIO_FORMAT_OPUS: "opus",
    audio_pb2.AUDIO_FORMAT_AAC: "aac",
    audio_pb2.AUDIO_FORMAT_FLAC: "flac",
    audio_pb2.AUDIO_FORMAT_WAV: "wav",
    audio_pb2.AUDIO_FORMAT_PCM_S16LE: "pcm16",
}

INPUT_AUDIO_FORMATS: Mapping[str, str] = {
    "audio/wav": "wav",
    "audio/wave": "wav",
    "audio/x-wav": "wav",
    "audio/vnd.wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/x-mp3": "mp3",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "audio/aac": "aac",
    "audio/mp4": "m4a",
    "audio/m4a": "m4a",
    "audio/x-m4a": "m4a",
    "audio/aiff": "aiff",
    "audio/x-aiff": "aiff",
    "audio/webm": "webm",
    "audio/l16": "pcm16",
    "audio/pcm": "pcm16",
}

EFFORTS: Mapping[int, str] = {
    chat_pb2.REASONING_EFFORT_NONE: "none",
    chat_pb2.REASONING_EFFORT_MINIMAL: "minimal",
    chat_pb2.REASONING_EFFORT_LOW: "low",
    chat_pb2.REASONING_EFFORT_MEDIUM: "medium",
    chat_pb2.REASONING_EFFORT_HIGH: "high",
    chat_pb2.REASONING_EFFORT_XHIGH: "xhigh",
    chat_pb2.REASONING_EFFORT_MAX: "max",
}
