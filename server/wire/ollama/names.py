"""What the format is called."""

NAME = "ollama"
"""The kind of provider; reasoning that it made carries this name and goes back to it alone."""
