"""Google Cloud's Vertex AI: Gemini by generateContent, Claude by Anthropic's format, open models by OpenAI's.

What is emulated, refused and dropped is told in gemini.py and anthropic.py; here Gemini also takes gs:// addresses,
names of files and, as labels, metadata in lower case, and keeps no files and stores no calls. Claude (a name that
begins with claude) is given documents and images as bytes; its reasoning and blocks carry the name anthropic, whose API
takes them back as well. A name with a slash, such as deepseek-ai/deepseek-v3.1-maas, goes to the partners' models
behind OpenAI's format, of which tokens are estimated; ``endpoints/ID`` goes to a Gemini that was tuned.

Embeddings: gemini-embedding-001 one text a request, other text models up to 250 by :predict, gemini-embedding-2 and
multimodalembedding@001 one text or image each; truncate is sent where the model has a word on it.

Images: beside what gemini.py tells, PNG and JPEG and how far they are compressed, negative prompts for Imagen, its seed
where gateway.extra_body_json has parameters.addWatermark false, and edits by imagen-3.0-capability-001, with a mask
(painted white where its pixels are see-through) as insertions unless extra_body_json has parameters.editMode.

Options: ``project`` (or GOOGLE_CLOUD_PROJECT) and ``location`` (or GOOGLE_CLOUD_LOCATION, else global) say where calls
go; without a project they go to express mode, which takes an API key alone. ``api_version`` is v1 unless set.

A key is an API key, or a credential file of Google's (service account, user, workload identity, impersonation) as JSON,
as that in base64, or as ``file:``. Without one the hub has what the machine has: GOOGLE_APPLICATION_CREDENTIALS,
gcloud's own file, the instance's account. In the environment VERTEX_API_KEY switches the kind on, or
GOOGLE_CLOUD_PROJECT together with GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_GENAI_USE_VERTEXAI.
"""

import re
from collections.abc import Mapping, Sequence

from server.providers.gemini import image_backend, version_of
from server.providers.kind import ProviderKind, Site
from server.transport.credentials.google import MACHINE, google
from server.transport.endpoint import Credential
from server.wire import anthropic
from server.wire.anthropic import AnthropicCodec, AnthropicCountCodec
from server.wire.by_model import ByModel, CountByModel, EmbeddingsByModel
from server.wire.chat.knobs import COMMON_KNOBS
from server.wire.gemini import GeminiChatCodec, GeminiCountCodec, Host, embedding_families
from server.wire.gemini.embeddings import GeminiEmbeddingsCodec
from server.wire.gemini.host import KNOBS
from server.wire.gemini.image_models import VERTEX_ROWS
from server.wire.gemini.images import GeminiImageCodec
from server.wire.gemini.speech import GeminiSpeechCodec
from server.wire.gemini.voices import PREBUILT
from server.wire.gemini.words import VERTEX_FINISH_NUMBERS
from server.wire.openai_chat import Dialect, OpenAIChatCodec, reasoning

NAME = "vertex"
_ADDRESS = "https://aiplatform.googleapis.com"
_USUAL_VERSION = "v1"
_USUAL_LOCATION = "global"
_TRUE = frozenset({"1", "true"})
# https://cloud.google.com/resource-manager/docs/creating-managing-projects, with the domain of older ones
_PROJECT = re.compile(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|\d{4,20}")
_LOCATION = re.compile(r"[a-z]+(-[a-z]+)*\d*")
# https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations#multi-region
_MULTI_REGIONS = frozenset({"us", "eu"})

_CLAUDE = re.compile("claude")
_PARTNER = re.compile(r"(?!endpoints/|models/|projects/)[^/]+/")


def _settle(site: Site, environ: Mapping[str, str]) -> Site:
    options = dict(site.options)
    for name in ("project", "location"):
        told = environ.get(f"GOOGLE_CLOUD_{name.upper()}", "")
        if told and not options.get(name) and (name == "project" or options.get("project")):
            options[name] = told
    version_of(options, _USUAL_VERSION)
    project, location = options.get("project", ""), options.get("location", _USUAL_LOCATION)
    if project and not _PROJECT.fullmatch(project):
        raise ValueError(f"options.project: {project!r} is no project; write its id, such as my-project-123")
    if not _LOCATION.fullmatch(location):
        raise ValueError(f"options.location: {location!r} is no location; write one such as us-central1 or global")
    if not project and options.get("location"):
        raise ValueError("options.location: express mode has no locations; set options.project too, or neither")
    return Site(_address(location) if site.base_url == _ADDRESS else site.base_url, options)


def _address(location: str) -> str:
    if location == _USUAL_LOCATION:
        return _ADDRESS
    if location in _MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def _root(options: Mapping[str, str]) -> str:
    root = f"/{version_of(options, _USUAL_VERSION)}"
    if project := options.get("project"):
        root += f"/projects/{project}/locations/{options.get('location', _USUAL_LOCATION)}"
    return root


def _credentials(options: Mapping[str, str], environ: Mapping[str, str]) -> Sequence[Credential]:
    """What the machine has, where the environment says that it is meant for this."""
    said = environ.get("GOOGLE_GENAI_USE_VERTEXAI", "").lower() in _TRUE
    meant = said or bool(environ.get("GOOGLE_APPLICATION_CREDENTIALS"))
    return (MACHINE,) if meant and options.get("project") else ()


def _host(options: Mapping[str, str]) -> Host:
    return Host(
        name=NAME,
        root=_root(options),
        publisher="/publishers/google",
        collections=frozenset({"models", "endpoints"}),
        knobs=KNOBS | {"metadata"},
        stores=True,
        mime_required=True,
        display_names=True,
        lists_formats=True,
        counts_whole=False,
        finish_numbers=VERTEX_FINISH_NUMBERS,
    )


def _claude(options: Mapping[str, str]) -> anthropic.Dialect:
    """https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai."""
    models = f"{_root(options)}/publishers/anthropic/models"
    return anthropic.Dialect(
        # Not this kind's own, which Gemini's blocks carry here.
        name="anthropic",
        kin=frozenset({"azure-anthropic"}),
        path=f"{models}/{{model}}:rawPredict",
        stream_path=f"{models}/{{model}}:streamRawPredict",
        count_path=f"{models}/count-tokens:rawPredict",
        version="vertex-2023-10-16",
        version_in_body=True,
        model_in_body=False,
        sources=frozenset({"data"}),
        automatic_caching=False,
        fast=False,
    )


def _partners(options: Mapping[str, str]) -> Dialect:
    """https://cloud.google.com/vertex-ai/generative-ai/docs/maas/call-open-model-apis."""
    return Dialect(
        name=NAME,
        chat_path=f"{_root(options)}/endpoints/openapi/chat/completions",
        knobs=(COMMON_KNOBS - {"user"}) | {"n", "top_k", "logprobs", "top_logprobs", "logit_bias"},
        max_tokens="max_tokens",
        reasoning=reasoning.effort_with_text,
    )


def _chat(options: Mapping[str, str]) -> ByModel:
    return ByModel(
        usual=GeminiChatCodec(_host(options)),
        rows=(
            (_CLAUDE, AnthropicCodec(_claude(options))),
            (_PARTNER, OpenAIChatCodec(_partners(options))),
        ),
    )


def _count(options: Mapping[str, str]) -> CountByModel:
    return CountByModel(
        usual=GeminiCountCodec(_host(options)),
        rows=((_CLAUDE, AnthropicCountCodec(_claude(options))), (_PARTNER, None)),
    )


def _embeddings(options: Mapping[str, str]) -> EmbeddingsByModel:
    host = _host(options)
    return EmbeddingsByModel(
        usual=GeminiEmbeddingsCodec(host, embedding_families.VERTEX_TEXTS),
        rows=tuple(
            (re.compile(pattern), GeminiEmbeddingsCodec(host, family))
            for pattern, family in (
                (r"gemini-embedding-(001|exp)", embedding_families.VERTEX_ONE_TEXT),
                (r"gemini-embedding", embedding_families.VERTEX_ALL_MEDIA),
                (r"multimodalembedding", embedding_families.VERTEX_MULTIMODAL),
            )
        ),
    )


VERTEX = ProviderKind(
    name=NAME,
    base_url=_ADDRESS,
    authorize=lambda _: google(),
    chat=_chat,
    count=_count,
    embeddings=_embeddings,
    image_backend=lambda options, *tools: image_backend(GeminiImageCodec(_host(options), VERTEX_ROWS), *tools),
    speech=lambda options: GeminiSpeechCodec(_host(options)),
    voices=PREBUILT,
    key_env=("VERTEX_API_KEY", "GOOGLE_VERTEX_API_KEY"),
    base_url_env="VERTEX_BASE_URL",
    switched_on="`VERTEX_API_KEY`, or `GOOGLE_CLOUD_PROJECT` with `GOOGLE_APPLICATION_CREDENTIALS`",
    notes="Gemini, Claude and partners' models; the host is that of `location`; keys and Google's credential files",
    needs_key=False,
    settle=_settle,
    credentials_from=_credentials,
    options=frozenset({"project", "location", "api_version"}),
)
