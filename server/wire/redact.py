"""Takes what looks like a secret out of a text that somebody else wrote."""

import re

HIDDEN = "[redacted]"

# A key's own prefix tells it: OpenAI, Anthropic and DeepSeek sk-, Groq gsk_, xAI xai-, Cerebras csk-, Fireworks fw_,
# Perplexity pplx-, Hugging Face hf_, Replicate r8_, NVIDIA nvapi-, Together tgp_, the hub's own hub_. Asterisks are
# part of it: OpenAI echoes a refused key as sk-abc***xyz, which still tells its beginning and end.
_PREFIXED = r"(?<![A-Za-z0-9])(?:sk|rk|pk|gsk|xai|csk|fw|pplx|hf|r8|nvapi|tgp|hub)[-_][A-Za-z0-9_\-*.]{5,}"
_GOOGLE = r"(?<![A-Za-z0-9])AIza[0-9A-Za-z_\-]{10,}"
_AMAZON = r"(?<![A-Za-z0-9])A(?:KIA|SIA)[0-9A-Z]{12,}"
_JWT = r"(?<![A-Za-z0-9])eyJ[\w\-]{5,}\.[\w\-]+(?:\.[\w\-]*)?"
# Azure's keys are 32 hex digits or 84 letters and digits without any mark. Names of models may be as long, but they
# are made of words with hyphens and slashes between.
_UNMARKED = r"(?<![A-Za-z0-9])(?:[0-9a-f]{32,}|(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{40,})"
_WHOLE = re.compile("|".join((_PREFIXED, _GOOGLE, _AMAZON, _JWT, _UNMARKED)))

# Here the name before the secret stays, so that the reader sees what was taken out.
_NAMED = re.compile(
    r"""(?ix)
    ( \b bearer \s+
    | \b basic \s+ (?=[a-z0-9+/=]{8})
    | [?&] (?:api[-_]?key|key|token|access_token|sig|signature|secret|password) =
    | \b (?:x-api-key|api[-_ ]?key|authorization|access[-_]?token|secret[-_]?key|client[-_]?secret|password)
      ["']? \s* [:=] \s* ["']? (?!bearer\b|basic\b)
    )
    [^\s"'&,;<>}\]]+
    """
)


def redact(text: str) -> str:
    """``text`` with everything that looks like a credential replaced by ``[redacted]``.

    >>> redact("Incorrect API key provided: sk-abcd1234. See https://x.test/v1?key=s3cret&a=1")
    'Incorrect API key provided: [redacted] See https://x.test/v1?key=[redacted]&a=1'
    """
    return _WHOLE.sub(HIDDEN, _NAMED.sub(rf"\g<1>{HIDDEN}", text))
