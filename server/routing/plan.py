"""What may be tried for one call, in order, and how."""

from dataclasses import dataclass

from server.routing.catalogue import Candidate


@dataclass(frozen=True, slots=True)
class Plan:
    """Candidates of a call; never empty."""

    candidates: tuple[Candidate, ...]
    tiers: tuple[int, ...] = ()
    """For each candidate, how many models come before the one it serves; empty where all serve the one asked for."""
    attempt_timeout: float | None = None
    """Seconds that one attempt may take to its first content; None for the call's own deadline."""
    hedge_after: float | None = None
    """Seconds without content after which a second attempt is made beside the first; None for the operator's rule."""
    may_race: bool = True
    """Whether two attempts may run side by side at all."""

    def tier_of(self, place: int) -> int:
        """The tier of the candidate at ``place``."""
        return self.tiers[place] if self.tiers else 0
