"""A real SLURM of three nodes, one for each process that runs tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clusters.slurm_cluster import SlurmCluster, missing_programs, started_cluster


@pytest.fixture(scope="session")
def slurm_daemons() -> Iterator[SlurmCluster]:
    if missing := missing_programs():
        pytest.skip(f"SLURM is not installed here: no {', '.join(missing)}")
    with started_cluster() as cluster:
        yield cluster


@pytest.fixture
def slurm(slurm_daemons: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmCluster]:
    """The cluster with idle nodes and no job; commands that the test starts find it."""
    for name, value in slurm_daemons.environment.items():
        monkeypatch.setenv(name, value)
    slurm_daemons.clear()
    yield slurm_daemons
    slurm_daemons.clear()
