"""The ways to choose among providers of one model; see GatewayOptions.routing."""

from enum import Enum


class Policy(Enum):
    """How candidates that serve the same model are ordered."""

    ORDER = "order"
    """As configured, or as the caller asked."""
    WEIGHT = "weight"
    """By chance, in proportion to their weights."""
    PRICE = "price"
    """Cheapest first; those without a known price last."""
    LATENCY = "latency"
    """Soonest first content: of two taken by chance the better."""
    THROUGHPUT = "throughput"
    """Most tokens a second first; those not measured yet before all, so that they are."""
