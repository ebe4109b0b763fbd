"""A running estimate of how long a backend takes to answer."""

from dataclasses import dataclass

SMOOTHING = 0.3
MARGIN = 1.3  # a step is entered only if it fits with this much to spare
MIN_TIMED_TOKENS = 8  # shorter answers say more about the network than about the speed


@dataclass(slots=True)
class LatencyEstimate:
    """Exponentially weighted means: seconds to the first token, seconds per token after it.

    Unknown (`None`) until the first answer was timed.
    """

    first_token: float | None = None
    per_token: float | None = None

    def record(self, *, total: float, tokens: int, first_token: float | None = None) -> None:
        """Learn from one answer of `tokens` tokens that took `total` seconds."""
        if first_token is not None:
            self.first_token = blended(self.first_token, first_token)
        elif self.first_token is None and tokens < MIN_TIMED_TOKENS:
            self.first_token = total
        if tokens >= MIN_TIMED_TOKENS:
            wait = min(first_token if first_token is not None else self.first_token or 0.0, total)
            self.per_token = blended(self.per_token, (total - wait) / tokens)

    def expected(self, tokens: int) -> float:
        """Seconds an answer of `tokens` tokens is expected to take; 0 while nothing is known."""
        return ((self.first_token or 0.0) + tokens * (self.per_token or 0.0)) * MARGIN

    def deliverable(self, seconds: float) -> int | None:
        """Tokens expected to arrive within `seconds`; `None` while nothing is known."""
        if not self.per_token:
            return None
        return max(0, int((seconds / MARGIN - (self.first_token or 0.0)) / self.per_token))


def blended(old: float | None, new: float) -> float:
    return new if old is None else old + SMOOTHING * (new - old)
