"""What the transport is told of the settings."""
