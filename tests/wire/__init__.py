"""Replays recorded provider traffic through the real hub, end to end; imports nothing from the server."""
