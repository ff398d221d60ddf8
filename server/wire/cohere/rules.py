"""What models of Cohere refuse, whatever the reference of the endpoint says."""

import re

from server.wire.chat.knobs import ModelRule

MODEL_RULES = (
    # https://docs.cohere.com/docs/reasoning: reasoning began with command-a-reasoning.
    ModelRule(
        re.compile(r"command-(r|light|nightly|a-(03|vision|translate))|command$|c4ai|aya"), frozenset({"reasoning"})
    ),
)
