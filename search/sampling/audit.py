"""The audit of pruner and scheduler: some of the trials that they would stop run on to their end.

How good those come to be tells how often stopping was wrong, which nobody could know otherwise.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

_BYTES = 8


@dataclass(frozen=True)
class Audit:
    """A share of the condemned trials."""

    share: float = 0.0
    """From 0 to 1; 0 audits nothing."""
    seed: int = 0
    """Seed of the study."""

    def takes(self, number: int) -> bool:
        """Tell whether a trial is audited once it is condemned.

        That depends on its number and the seed alone, so that a study which was killed decides
        alike; whoever is taken by a share is taken by every larger one.
        """
        digest = hashlib.sha256(f"audit {self.seed} {number}".encode()).digest()
        drawn: float = int.from_bytes(digest[:_BYTES], "big") / 256**_BYTES
        return drawn < self.share
