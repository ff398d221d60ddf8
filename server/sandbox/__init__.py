"""An offline provider with deterministic models, served over real HTTP on loopback.

The same request always gets the same answer. ``catalog.MODELS`` says what there is (and is cheap to import);
``listener.Sandbox`` serves it.
"""
