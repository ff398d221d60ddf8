"""Amazon Bedrock: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html.

A key is a Bedrock API key, or ``ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]``, which signs each request. Without
one the environment is asked (AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY and perhaps
AWS_SESSION_TOKEN), and with the option ``credentials: chain`` whatever AWS's own clients would find on the machine.
The option ``region``, AWS_REGION or AWS_DEFAULT_REGION says where; models are ids, inference profiles or ARNs.

Chat goes by Converse. Emulated: instructions within the conversation go up to the others at the top; turns of one side
are made one; https URLs are fetched by the hub, s3 ones passed on; a schema, or JSON of any form, by a tool that must
be called where the model holds no answer to one; a choice of no tool, or of one call at most, by Claude's own field;
tools that only the conversation tells of are declared for it; ids of calls and names of documents that Bedrock does not
take are made anew, the same way each time; effort stands for a budget where Claude knows budgets alone; web search is
Nova's grounding; service tier fast is latency-optimized inference. Blocks without a field here, such as guardContent
and searchResult, go in and come out as provider parts; guardrailConfig and the like by extra_body_json.

Refused: more than one choice, log probabilities, custom tools, spoken answers, moderation, regular expressions,
grammars, file ids, parts of videos, media of the assistant's own; and by model: stop sequences (Llama, gpt-oss, Qwen),
forced calls, strict schemas, JSON. Dropped and listed: what has no parameter at Converse nor at the model (top_k and
penalties have one at some), image detail, names of participants, caches where the model marks none.
"""

import re
from collections.abc import Mapping

from server.providers.kind import ProviderKind, Site
from server.transport.credentials.aws import CHAIN, aws, machine_chain
from server.transport.endpoint import Authorize, Credential
from server.wire.bedrock import BedrockChatCodec, BedrockCountCodec
from server.wire.bedrock.embedding_models import EMBEDDINGS

_SERVICE = "bedrock"
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+){1,2}-\d{1,2}")
_REGION_IN_HOST = re.compile(rf"\.({_REGION.pattern})\.")
_REGION_ENV = ("AWS_REGION", "AWS_DEFAULT_REGION")
_TOKEN_ENV = "AWS_BEARER_TOKEN_BEDROCK"  # noqa: S105 - the name of a variable
_CHAIN_OPTION = "chain"


def region_of(site: Site, environ: Mapping[str, str]) -> str:
    """The region that is configured, that the address names, or that the environment says; empty where none does.

    Raises ValueError where what is said is no region.
    """
    host = site.base_url.partition("://")[2].partition("/")[0]
    named = _REGION_IN_HOST.search(host)
    region = site.options.get("region") or (named[1] if named else "")
    region = region or next((environ[name] for name in _REGION_ENV if environ.get(name)), "")
    if region and not _REGION.fullmatch(region):
        raise ValueError(f"options.region: {region[:64]} is no region; write one such as us-east-1")
    return region


def _settle(site: Site, environ: Mapping[str, str]) -> Site:
    way = site.options.get("credentials", _CHAIN_OPTION)
    if way != _CHAIN_OPTION:
        raise ValueError(f"options.credentials: {way[:64]} is no way to find credentials; there is {_CHAIN_OPTION}")
    region = region_of(site, environ)
    if not region:
        raise ValueError("options.region: is needed to sign and to find the service; write one such as us-east-1")
    suffix = ".cn" if region.startswith("cn-") else ""
    base_url = site.base_url or f"https://bedrock-runtime.{region}.amazonaws.com{suffix}"
    return Site(base_url, {**site.options, "region": region})


def _credentials_from(options: Mapping[str, str], environ: Mapping[str, str]) -> tuple[Credential, ...]:
    if options.get("credentials") == _CHAIN_OPTION:
        return (CHAIN,)
    if token := environ.get(_TOKEN_ENV, "").strip():
        return (Credential(_TOKEN_ENV, token),)
    key_id, secret, token = (
        environ.get(f"AWS_{name}", "").strip() for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
    )
    if not key_id or not secret:
        return ()
    return (Credential("AWS_ACCESS_KEY_ID", ":".join(part for part in (key_id, secret, token) if part)),)


def _authorize(options: Mapping[str, str]) -> Authorize:
    if options.get("credentials") != _CHAIN_OPTION:
        return aws(_SERVICE, options["region"])
    try:
        return aws(_SERVICE, options["region"], machine_chain())
    except ValueError as error:
        raise ValueError(f"options.credentials: {error}") from None


_CHAT = BedrockChatCodec()
_COUNT = BedrockCountCodec()

KIND = ProviderKind(
    name="bedrock",
    base_url="",
    authorize=_authorize,
    chat=lambda _: _CHAT,
    count=lambda _: _COUNT,
    embeddings=lambda _: EMBEDDINGS,
    base_url_env="BEDROCK_BASE_URL",
    settle=_settle,
    credentials_from=_credentials_from,
    options=frozenset({"region", "credentials"}),
    switched_on="`AWS_REGION` with `AWS_BEARER_TOKEN_BEDROCK` or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`",
    notes="Converse, at `https://bedrock-runtime.REGION.amazonaws.com` unless told otherwise; a key is a "
    "Bedrock API key or `ACCESS_KEY_ID:SECRET[:SESSION_TOKEN]`, `credentials: chain` takes the machine's own",
)
