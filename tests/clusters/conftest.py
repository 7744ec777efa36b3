"""A real SLURM of three nodes and a real Ray of two, one for each process that runs tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clusters.ray_cluster import RayCluster, missing_packages, started_ray
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


@pytest.fixture(scope="session")
def ray_nodes() -> Iterator[RayCluster]:
    if missing := missing_packages():
        pytest.skip(f"Ray is not installed here: no {', '.join(missing)}")
    with started_ray() as cluster:
        yield cluster


@pytest.fixture
def ray_cluster(ray_nodes: RayCluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[RayCluster]:
    """The cluster with two nodes and no actor; commands that the test starts find it."""
    for name, value in ray_nodes.environment.items():
        monkeypatch.setenv(name, value)
    ray_nodes.wait_until_empty()
    yield ray_nodes
    ray_nodes.wait_until_empty()
