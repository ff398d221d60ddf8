"""Black Forest Labs: FLUX.2, Kontext, FLUX 1.1 and the tools that fill, expand, outpaint and erase.

A model is the path's own name: ``flux-2-pro``, ``flux-kontext-max``, ``flux-pro-1.0-fill``, ``flux-tools/erase-v1``…
Every call is a job: it is begun once, asked after with growing pauses until the deadline, and fetched when ready;
cancelling the call ends the asking. The key goes to no host but the configured one, and others of bfl.ai where that is
one of them.

Emulated: n, by as many jobs with seed, seed + 1…; a mask, painted white where its pixels are see-through. Sent:
``moderation`` as safety_tolerance, a digit. By gateway.extra_body_json: prompt_upsampling, disable_pup, guidance,
steps, raw, and the margins of ``flux-pro-1.0-expand``. Refused: a size where the model takes a ratio, and the reverse;
a negative prompt; a transparent background. Dropped and listed: quality, style, input_fidelity, output_compression.
"""

from server.backends.one_by_one import OneByOneImages
from server.backends.polling_images import PollingImageBackend
from server.providers.kind import ProviderKind
from server.transport.credentials import always, header
from server.wire.bfl import BflCodec

_CODEC = BflCodec()

BFL = ProviderKind(
    name="bfl",
    base_url="https://api.bfl.ai",
    authorize=always(header("x-key")),
    image_backend=lambda _, endpoint, transport, media: OneByOneImages(
        PollingImageBackend(endpoint, _CODEC, transport, media)
    ),
    key_env=("BFL_API_KEY",),
    base_url_env="BFL_BASE_URL",
    notes="each call is a job that is polled; FLUX.2, Kontext, FLUX 1.1 and the tools",
)
