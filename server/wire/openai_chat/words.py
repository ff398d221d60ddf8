"""The format's words for the contract's enumerations, both ways."""

from collections.abc import Mapping

from aignehub.v1 import audio_pb2, chat_pb2, chat_service_pb2, usage_pb2
from aignehub.v1.chat_pb2 import FinishReason

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

FINISH_REASONS: "Mapping[str, FinishReason.ValueType]" = {
    "stop": chat_pb2.FINISH_REASON_STOP,
    # Together, and what models behind OpenRouter and vLLM call it.
    "eos": chat_pb2.FINISH_REASON_STOP,
    "end_turn": chat_pb2.FINISH_REASON_STOP,
    "stop_sequence": chat_pb2.FINISH_REASON_STOP,
    "completed": chat_pb2.FINISH_REASON_STOP,
    "length": chat_pb2.FINISH_REASON_LENGTH,
    "max_tokens": chat_pb2.FINISH_REASON_LENGTH,
    "model_length": chat_pb2.FINISH_REASON_LENGTH,
    "model_context_window_exceeded": chat_pb2.FINISH_REASON_LENGTH,
    "tool_calls": chat_pb2.FINISH_REASON_TOOL_CALLS,
    "function_call": chat_pb2.FINISH_REASON_TOOL_CALLS,
    "tool_use": chat_pb2.FINISH_REASON_TOOL_CALLS,
    "content_filter": chat_pb2.FINISH_REASON_CONTENT_FILTER,
    "refusal": chat_pb2.FINISH_REASON_CONTENT_FILTER,
    "safety": chat_pb2.FINISH_REASON_CONTENT_FILTER,
    # Z.ai: https://docs.z.ai/api-reference/llm/chat-completion
    "sensitive": chat_pb2.FINISH_REASON_CONTENT_FILTER,
    "pause_turn": chat_pb2.FINISH_REASON_PAUSE,
}


def finish_reason(word: str, *, calls: bool) -> "FinishReason.ValueType":
    """What ``word`` means. A natural end with calls for the caller to run is TOOL_CALLS, whatever the word."""
    if not word:
        return chat_pb2.FINISH_REASON_UNSPECIFIED
    reason = FINISH_REASONS.get(word.lower(), chat_pb2.FINISH_REASON_OTHER)
    if calls and reason == chat_pb2.FINISH_REASON_STOP:
        return chat_pb2.FINISH_REASON_TOOL_CALLS
    return reason
