"""Which of the condemned trials run on to their end."""

from __future__ import annotations

from search.sampling.audit import Audit

MANY = range(10_000)


def taken(share: float, seed: int = 0) -> set[int]:
    audit = Audit(share, seed)
    return {number for number in MANY if audit.takes(number)}


def test_the_share_of_them_is_audited() -> None:
    assert 400 < len(taken(0.05)) < 600
    assert taken(0.0) == set()
    assert taken(1.0) == set(MANY)


def test_a_larger_share_only_adds_trials() -> None:
    assert taken(0.05) < taken(0.2)


def test_the_seed_decides_which() -> None:
    assert taken(0.05) == taken(0.05)
    assert taken(0.05) != taken(0.05, seed=1)
