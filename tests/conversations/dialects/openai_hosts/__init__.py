"""Hosts that speak OpenAI's chat completions, and what each does differently; in files as the rows are.

Written from the vendors' references, named at each, and from what their servers are known to send. Where a page does
not say that a parameter exists, the fake does not take it.
"""

from tests.conversations.dialects.base import Dialect
from tests.conversations.dialects.openai_hosts import azure, makers, moonshot, openrouter, own_servers, resellers

DIALECTS: tuple[Dialect, ...] = (
    *makers.DIALECTS,
    *moonshot.DIALECTS,
    *azure.DIALECTS,
    *openrouter.DIALECTS,
    *resellers.DIALECTS,
    *own_servers.DIALECTS,
)
