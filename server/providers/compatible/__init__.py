"""Hosts that speak OpenAI's chat completions: a row each. Adding one is a row here and a case in its test.

The rows stand in files by who serves what; one with more to say than a few fields has a file to itself. Where a
vendor's page says less than one would like, the row is the careful reading: a knob that is not documented is dropped
and told to the caller, never sent in hope.
"""

from server.providers.compatible import (
    azure,
    dashscope,
    makers,
    minimax,
    moonshot,
    own_servers,
    resellers,
)
from server.providers.kind import ProviderKind

KINDS: tuple[ProviderKind, ...] = (
    *makers.KINDS,
    moonshot.KIND,
    dashscope.KIND,
    minimax.KIND,
    *azure.KINDS,
    *resellers.KINDS,
    *own_servers.KINDS,
)
"""In the order in which they are listed to an operator."""
