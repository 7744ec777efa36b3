"""Where a user believes the best value of a parameter to be, and how surely."""

from __future__ import annotations

from dataclasses import dataclass

# the standard deviation of a range, as a part of the range
SPREADS = {"low": 0.4, "medium": 0.2, "high": 0.1}
# of a choice, the part that is taken from the other values and given to the center
SHARES = {"low": 0.25, "medium": 0.5, "high": 0.75}


@dataclass(frozen=True)
class Prior:
    """The belief of a user about one parameter.

    center: the value that is believed best.
    confidence: low, medium or high.
    """

    center: bool | int | float | str | None
    confidence: str = "medium"

    def to_tree(self) -> dict[str, object]:
        """The mapping that a user would write."""
        return {"center": self.center, "confidence": self.confidence}
