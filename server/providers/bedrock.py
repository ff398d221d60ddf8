"""Amazon Bedrock: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html.

Keys and options are told in aws.py; models are ids, inference profiles or ARNs.

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

Embeddings (Titan, Cohere, Nova) and images go by InvokeModel, in each maker's own body. Nova Canvas and Titan draw,
edit within a mask (INPAINTING) and vary sources without one; another of their tasks is named by ``taskType`` in
extra_body_json, which holds maskPrompt, colors and the like too. Stability's models draw and edit, each by its id, with
what only they know (search_prompt, strength, margins) by extra_body_json, and several images by as many requests.
Emulated: a mask, painted black or white where its pixels are see-through. Refused: a size where the answer is as large
as its source, ratios that Titan has no size of. Dropped and listed: user, input_fidelity, moderation, an address for
the image, the prompt where nothing reads it.

Models are listed by the region's own lists of foundation models and inference profiles, where the key may read them.
"""

import re
from collections.abc import Mapping

from server.backends.base import ImageBackend
from server.backends.http_images import HttpImageBackend
from server.backends.images_by_model import ImagesByModel
from server.backends.media import CallerMedia
from server.backends.one_by_one import OneByOneImages
from server.providers import aws
from server.providers.kind import ProviderKind
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.wire.bedrock import BedrockChatCodec, BedrockCountCodec
from server.wire.bedrock.embedding_models import EMBEDDINGS
from server.wire.bedrock.images import TAKES_N, BedrockImageCodec
from server.wire.bedrock.model_list import BedrockModelList

# https://docs.aws.amazon.com/general/latest/gr/rande.html, of China and the European Sovereign Cloud.
_DOMAINS = {"cn": "amazonaws.com.cn", "eusc": "amazonaws.eu"}
_RUNTIME = re.compile(r"(https?://)bedrock-runtime(-fips)?(\.[^/]*amazonaws\.[^/]+)")
_CHAT = BedrockChatCodec()
_COUNT = BedrockCountCodec()
_LIST = BedrockModelList()


def _address(region: str) -> str:
    partition = region.partition("-")[0]
    return f"https://bedrock-runtime.{region}.{_DOMAINS.get(partition, 'amazonaws.com')}"


def _list_address(base_url: str) -> str:
    """Models are listed at a host beside the one that calls them; of an address of one's own nothing is known.

    https://docs.aws.amazon.com/general/latest/gr/bedrock.html
    """
    found = _RUNTIME.fullmatch(base_url)
    return f"{found[1]}bedrock{found[2] or ''}{found[3]}" if found else ""


def _images(_: Mapping[str, str], endpoint: Endpoint, transport: Transport, media: CallerMedia) -> ImageBackend:
    whole = HttpImageBackend(endpoint, BedrockImageCodec(), transport, media)
    return ImagesByModel(OneByOneImages(whole), ((TAKES_N, whole),))


KIND = ProviderKind(
    name="bedrock",
    base_url="",
    authorize=aws.authorizes("bedrock"),
    chat=lambda _: _CHAT,
    count=lambda _: _COUNT,
    embeddings=lambda _: EMBEDDINGS,
    image_backend=_images,
    model_list=lambda _: _LIST,
    list_address=_list_address,
    base_url_env="BEDROCK_BASE_URL",
    settle=aws.settled(_address),
    credentials_from=aws.credentials_from,
    options=aws.OPTIONS,
    switched_on=aws.SWITCHED_ON,
    notes="Converse, at `https://bedrock-runtime.REGION.amazonaws.com` unless told otherwise; a key is a "
    "Bedrock API key or `ACCESS_KEY_ID:SECRET[:SESSION_TOKEN]`, `credentials: chain` takes the machine's own",
)
