"""CMA-ES without trusting what a database says.

Optuna's sampler (5.0) keeps its state as a pickle in the attributes of trials and loads the first
one it finds, so a study database from somebody else could run code. The one name it looks under is
private; here it holds a secret of this process, so that only pickles of this very process are
loaded, and none of them is ever written. A resumed study begins a new CMA-ES from where it is.
"""

from __future__ import annotations

from typing import Any

from optuna.samplers import CmaEsSampler

from search.store.database.write_through import PRIVATE_PREFIX


class PrivateCmaEsSampler(CmaEsSampler):
    """Optuna's CMA-ES that reads back only state stored under `secret`."""

    def __init__(self, *, secret: str, **options: Any) -> None:
        super().__init__(**options)
        self._attr_prefix = f"{PRIVATE_PREFIX}{secret}:"
