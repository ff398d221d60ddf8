"""Which providers may serve a model that was named without one."""

import re

# First match wins, on the lower-cased name; kinds in order of preference: the maker, the clouds that host it,
# then the aggregators, then a local Ollama. Kinds that are not configured are passed over.
_FAMILIES: tuple[tuple[re.Pattern[str], str, tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), vendor, kinds)
    for pattern, vendor, kinds in (
        # Bedrock's own ids, and those of its inference profiles: they mean nothing anywhere else.
        (
            r"((us|eu|apac|jp|au|ca|us-gov|global)\.)?"
            r"(amazon|anthropic|ai21|cohere|deepseek|meta|mistral|openai|qwen|stability|twelvelabs|writer)\.",
            "",
            ("bedrock",),
        ),
        # Google's embeddings share OpenAI's beginning: they must be asked first.
        (r"text-embedding-00\d|text-multilingual-embedding|gemini-embedding", "google", ("gemini", "vertex")),
        (r"gemini|imagen|veo", "google", ("gemini", "vertex", "openrouter", "poe")),
        (
            r"gpt-|chatgpt-|codex-|o[1-9](-|$)|dall-e-|text-embedding-|whisper-|tts-|sora-|omni-moderation|computer-use-",
            "openai",
            ("openai", "azure", "openrouter", "poe"),
        ),
        (r"claude", "anthropic", ("anthropic", "bedrock", "vertex", "azure-anthropic", "openrouter", "poe")),
        (r"deepseek", "deepseek", ("deepseek", "openrouter", "together", "fireworks", "ollama")),
        (r"grok", "x-ai", ("xai", "openrouter", "poe")),
        (r"doubao|seed(ream|edit|ance)", "bytedance", ("doubao",)),
        (
            r"(open-)?mi(s|x)tral|ministral|magistral|codestral|devstral|pixtral|voxtral",
            "mistralai",
            ("mistral", "bedrock", "openrouter", "together", "ollama"),
        ),
        (r"command|c4ai|aya|embed-(english|multilingual|v\d)|rerank", "cohere", ("cohere", "bedrock", "openrouter")),
        (r"nova-\d|aura", "deepgram", ("deepgram",)),
        (r"nova-|titan-", "amazon", ("bedrock", "openrouter")),
        (r"sonar", "perplexity", ("perplexity", "openrouter")),
        (r"ideogram", "ideogram", ("ideogram",)),
        (r"flux-", "black-forest-labs", ("bfl", "openrouter")),
        (r"stable-image-|sd3\.", "stability", ("stability",)),
        (r"eleven_|scribe_", "elevenlabs", ("elevenlabs",)),
        (r"voyage", "voyage", ("voyage",)),
        (r"jina", "jina", ("jina",)),
        (r"glm-", "z-ai", ("zai", "openrouter")),
        (r"kimi|moonshot", "moonshotai", ("moonshot", "openrouter", "groq", "together", "fireworks")),
        (r"minimax", "minimax", ("minimax",)),
        (r"flux", "black-forest-labs", ("bfl", "together", "fireworks")),
        (r"stable-|sd3", "stabilityai", ("stability",)),
        (r"llama", "meta-llama", ("bedrock", "groq", "cerebras", "together", "fireworks", "openrouter", "ollama")),
        (
            r"qwen|qwq|qvq",
            "qwen",
            ("dashscope", "bedrock", "groq", "cerebras", "together", "fireworks", "openrouter", "ollama"),
        ),
        (r"gemma", "google", ("gemini", "openrouter", "together", "ollama")),
        (r"phi", "microsoft", ("azure", "openrouter", "ollama")),
        (r"yi-", "01-ai", ("openrouter", "ollama")),
    )
)

# An aggregator names a model as vendor/model.
_AGGREGATORS = frozenset({"openrouter"})
# Bedrock names it as vendor.model, by names of its own for some.
_BEDROCK_VENDORS = {"meta-llama": "meta", "mistralai": "mistral"}


def infer(model: str) -> list[tuple[str, str]]:
    """(kind, that kind's name of the model) for a bare name, best first; empty where the name tells nothing."""
    name = model.lower()
    for pattern, vendor, kinds in _FAMILIES:
        if pattern.match(name):
            return [(kind, _named(kind, vendor, model)) for kind in kinds]
    return []


def _named(kind: str, vendor: str, model: str) -> str:
    if kind in _AGGREGATORS:
        return f"{vendor}/{model}"
    if kind == "bedrock" and vendor and "." not in model:
        return f"{_BEDROCK_VENDORS.get(vendor, vendor)}.{model}"
    return model
