"""The chat models: a file each. A model is a function of the request; one that misbehaves writes to the wire itself."""
