"""What kind of media some bytes are, by their first bytes.

Signatures: https://mimesniff.spec.whatwg.org/#matching-a-mime-type-pattern, RFC 9639 (FLAC), RFC 3533 (Ogg).
"""

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"qt  ": "video/quicktime",
}
_EBML = b"\x1a\x45\xdf\xa3"
_LOOKED_AT = 4096


def sniff(data: bytes) -> str:
    """The media type, or empty where the bytes are of no kind known here."""
    head = data[:_LOOKED_AT]
    for start, mime_type in _STARTS:
        if head.startswith(start):
            return _ogg(head) if mime_type == "audio/ogg" else mime_type
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head.startswith(_EBML):
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    return _mpeg_audio(head)


def _ogg(head: bytes) -> str:
    return "video/ogg" if b"\x80theora" in head[:128] else "audio/ogg"


def _mpeg_audio(head: bytes) -> str:
    """Frame sync is 11 set bits; then version and layer, where some values are reserved."""
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return ""
    version, layer = head[1] >> 3 & 0b11, head[1] >> 1 & 0b11
    if layer == 0:
        # ADTS has the same sync with 12 bits and layer 0.
        return "audio/aac" if head[1] & 0xF6 == 0xF0 else ""
    # G.711 silence is a run of set bits, which no frame is: bit rate 15 and sample rate 3 are reserved too.
    reserved = version == 0b01 or len(head) < 3 or head[2] >> 4 == 0b1111 or head[2] >> 2 & 0b11 == 0b11
    return "" if reserved else "audio/mpeg"
