"""Composition root: everything long-lived is built here once, and ends here in order."""

from server.app.serve import serve

__all__ = ["serve"]
