"""A gRPC gateway to AI models."""

__version__ = "0.1.0"
