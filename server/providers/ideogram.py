"""Ideogram: versions 3, 4 and 4.5.

``ideogram-v3`` draws, inpaints where there is a mask and remixes its source where there is none;
``ideogram-v3-reframe`` and ``ideogram-v3-replace-background`` are its other edits; ``ideogram-4-5`` draws and edits.

Emulated: a mask, painted black where its pixels are see-through; a transparent background, by the path that draws one.
The addresses it answers with expire: they are fetched where bytes are wanted. An unsafe image is told as filtered.
By gateway.extra_body_json: magic_prompt, style_preset, style_codes, color_palette, image_weight. Refused: a file
format other than PNG, sizes and ratios that it does not list. Dropped and listed: user, input_fidelity, moderation,
output_compression, and the prompt of ``ideogram-v3-reframe``, which reads none.
"""

from server.providers.kind import ProviderKind
from server.transport.credentials import always, header
from server.wire.ideogram import IdeogramCodec

_CODEC = IdeogramCodec()

IDEOGRAM = ProviderKind(
    name="ideogram",
    base_url="https://api.ideogram.ai",
    authorize=always(header("Api-Key")),
    images=lambda _: _CODEC,
    key_env=("IDEOGRAM_API_KEY",),
    base_url_env="IDEOGRAM_BASE_URL",
    notes="`ideogram-v3` with its edits, `ideogram-v4`, `ideogram-4-5`",
)
