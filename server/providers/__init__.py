"""One short file or row per provider."""
