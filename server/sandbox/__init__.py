"""An offline provider with deterministic models, served over real HTTP on loopback."""
