"""Settings from file, environment and secret files: frozen, checked once, before anything starts."""

from server.config.load import load_settings
from server.config.settings import ProviderSettings, Settings

__all__ = ["ProviderSettings", "Settings", "load_settings"]
