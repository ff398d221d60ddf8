"""Durable state behind small interfaces."""
