"""What models can do and cost, as others collected it, in the compact form that the hub reads.

Two collections are read, each by its own command:

    python -m tools.models prices              # from the installed package genai-prices
    python -m tools.models abilities WHEEL     # from LiteLLM's catalogue, inside its wheel; nothing of it is installed

They write a file for each kind of provider below server/models/data, one model a line, so that an update can be read
as a diff. `server/models/data/NOTICE` names both with their licences. What neither knows is kept by hand in
server/models/data/own.
"""
