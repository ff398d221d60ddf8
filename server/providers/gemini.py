"""Google's Gemini API: chat by generateContent, embeddings, images and speech.

Emulated
- system and developer messages become ``systemInstruction`` wherever they stand; for Gemma 2 and 3, which take none,
  the beginning of the conversation. A conversation that does not begin with the user begins with a blank word of the
  user's. Results of one round of calls are one turn, found by the call's name.
- a tool's result that is a JSON object is the response itself; any other text is its ``output``, of a failed tool its
  ``error``. Media in a result go into the response for Gemini 3, beside it for the models before.
- ``reasoning``: a budget is sent as it is; effort is a level for Gemini 3 and later (which cannot be switched off: the
  lowest level stands for none), a budget of 1,024, 8,192 or 24,576 tokens for Gemini 2.5.
- a call that no model of Google's made goes to Gemini 3 with the word that Google has for a missing signature.
- ``strict`` tools by the mode VALIDATED, which holds all tools to their schemas. ``allowed_tools``: those alone are
  sent, or named where one must be called. ``web_search_options`` is the tool googleSearch.
- a schema's name and description become its title and description. Image detail is the request's ``mediaResolution``
  where all its images agree and nothing else is to be seen. ``service_tier`` default is standard.
- spoken answers are put into WAV unless samples are asked for or streamed.
- URLs: YouTube videos, files of the Files API and public addresses are left to Google; Gemini 2.0 and older get the
  bytes, and so does everybody of what is no https address.
- ``gateway.extra_body_json`` may bring safetySettings, cachedContent, generationConfig.imageConfig and the like.

Refused: custom tools, more than 8 choices (than one from Gemini 3 on) or 5 stop sequences, media in instructions, other
output than text, image and sound, spoken formats other than PCM and WAV, grammars, moderation. Dropped and listed:
penalties from Gemini 2.5 on, temperature, top_p and top_k from Gemini 3.6 and 3.5 Flash-Lite on, which do not heed
them, min_p, repetition_penalty, logit_bias, prediction, verbosity, user, safety_identifier, metadata, cache marks and
keys, names of participants and files, titles and citations of files, parallel_tool_calls = false, reasoning and
signatures of others.

Embeddings: up to 100 texts a request; tasks by their name, for gemini-embedding-2 in the words that it was taught,
which also reads images (by bytes). Titles go with the task RETRIEVAL_DOCUMENT alone. Refused: token ids, other vectors
than floats. Dropped and listed: truncate, user.

Images: Gemini's models draw and edit by generateContent, one image a request, so that n is as many requests with seed,
seed + 1…; WIDTHxHEIGHT of their tables becomes ratio and class. Imagen draws by :predict, up to four a request.
Refused: sizes and ratios that a model has not, masks, formats other than it gives, negative prompts, transparency.
Dropped and listed: quality, style, moderation, user, input_fidelity, an address in place of the bytes, seeds of Imagen.

Speech: always streamed; PCM, which the hub puts into WAV where no format is asked for, and mu-law and A-law from Gemini
3.8 on. Instructions stand before the text, from 3.8 on beside it. Refused: other formats and rates, SSML. Dropped and
listed: speed. There is no endpoint for transcription: send a recording in a chat.

Answers: runs of Google's own tools, and any part that the contract has none for, are ProviderParts, to be sent back as
they came. Signatures stay on the part they came with; a signed text is a part of its own. What grounds an answer is
kept whole in provider_fields_json beside the citations made of it.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from server.backends.base import ImageBackend
from server.backends.http_images import HttpImageBackend
from server.backends.media import CallerMedia
from server.backends.one_by_one import OneByOneImages
from server.providers.kind import ProviderKind, Site
from server.transport.client import Transport
from server.transport.credentials import always, header
from server.transport.endpoint import Endpoint
from server.wire import model_lists
from server.wire.by_model import EmbeddingsByModel
from server.wire.gemini import GeminiChatCodec, GeminiCountCodec, Host, embedding_families
from server.wire.gemini.embeddings import GeminiEmbeddingsCodec
from server.wire.gemini.host import KNOBS
from server.wire.gemini.image_models import GEMINI_ROWS, is_imagen
from server.wire.gemini.images import GeminiImageCodec
from server.wire.gemini.speech import GeminiSpeechCodec
from server.wire.gemini.voices import PREBUILT, GeminiVoicesCodec

NAME = "gemini"
_ADDRESS = "https://generativelanguage.googleapis.com"
_VERSION = re.compile(r"v\d[a-z0-9]*")
_USUAL_VERSION = "v1beta"
_ALL_MEDIA = re.compile(r"gemini-embedding-(?!001|exp)")


def version_of(options: Mapping[str, str], usual: str) -> str:
    """The API version of an instance. Raises ValueError, naming the option, where it is none."""
    version = options.get("api_version", usual)
    if not _VERSION.fullmatch(version):
        raise ValueError(f"options.api_version: {version!r} is no version; write one such as {usual}")
    return version


def _settle(site: Site, _: Mapping[str, str]) -> Site:
    version_of(site.options, _USUAL_VERSION)
    return site


def _host(options: Mapping[str, str]) -> Host:
    version = version_of(options, _USUAL_VERSION)
    return Host(
        name=NAME,
        root=f"/{version}",
        collections=frozenset({"models", "tunedModels"}),
        knobs=KNOBS | {"store"},
        files=f"{_ADDRESS}/{version}/files/",
        no_web=re.compile(r"gemini-(1|2\.0)|gemma|learnlm"),
    )


def _embeddings(options: Mapping[str, str]) -> EmbeddingsByModel:
    host = _host(options)
    return EmbeddingsByModel(
        usual=GeminiEmbeddingsCodec(host, embedding_families.TEXTS),
        rows=(
            (re.compile(r"gemini-embedding-(?!001|exp)"), GeminiEmbeddingsCodec(host, embedding_families.ALL_MEDIA)),
        ),
    )


def image_backend(
    codec: GeminiImageCodec, endpoint: Endpoint, transport: Transport, media: CallerMedia
) -> ImageBackend:
    """Gemini draws one image a request; Imagen draws several."""
    inner = HttpImageBackend(endpoint, codec, transport, media)
    return OneByOneImages(inner, lambda model: not is_imagen(model))


GEMINI = ProviderKind(
    name=NAME,
    aliases=("google",),
    base_url=_ADDRESS,
    authorize=always(header("x-goog-api-key")),
    chat=lambda options: GeminiChatCodec(_host(options)),
    count=lambda options: GeminiCountCodec(_host(options)),
    embeddings=_embeddings,
    image_backend=lambda options, *tools: image_backend(GeminiImageCodec(_host(options), GEMINI_ROWS), *tools),
    speech=lambda options: GeminiSpeechCodec(_host(options)),
    voices=PREBUILT,
    voice_list=GeminiVoicesCodec(),
    key_env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    base_url_env="GEMINI_BASE_URL",
    settle=_settle,
    options=frozenset({"api_version"}),
    model_list=lambda options: replace(model_lists.GEMINI, path=f"{_host(options).root}/models?pageSize=1000"),
    notes="generateContent",
)
