"""From a model name to the provider that answers."""
