"""Stability AI: Stable Image Core, Ultra and Stable Diffusion 3.5, and the edits of the same API.

A model is ``core``, ``ultra``, ``sd3.5-large``… or for edits the path's own name: ``inpaint``, ``erase``, ``outpaint``,
``search-and-replace``, ``search-and-recolor``, ``remove-background``; ``ultra`` and ``sd3.5-…`` edit as well.

Emulated: n, by as many requests with seed, seed + 1…; a mask, painted white where its pixels are see-through; how far
``ultra`` and ``sd3.5-…`` go from their source, half way unless gateway.extra_body_json has ``strength``. By
extra_body_json: search_prompt and select_prompt, which their paths demand, the margins of ``outpaint``, grow_mask and
the like. Refused: a size, since ratios are all it takes; a transparent background. Dropped and listed: quality, user,
input_fidelity, output_compression, moderation, an address in place of the bytes, the prompt where a path reads none.
"""

from server.backends.http_images import HttpImageBackend
from server.backends.one_by_one import OneByOneImages
from server.providers.kind import ProviderKind
from server.transport.credentials import always, bearer
from server.wire.stability import StabilityCodec

_CODEC = StabilityCodec()

STABILITY = ProviderKind(
    name="stability",
    base_url="https://api.stability.ai",
    authorize=always(bearer),
    image_backend=lambda _, endpoint, transport, media: OneByOneImages(
        HttpImageBackend(endpoint, _CODEC, transport, media)
    ),
    key_env=("STABILITY_API_KEY",),
    base_url_env="STABILITY_BASE_URL",
    notes="`core`, `ultra`, `sd3.5-…` and the edits by their names",
)
