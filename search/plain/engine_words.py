"""What cluster engines call what they give, and where their environments are said."""

from __future__ import annotations

_ALLOCATIONS = {"ray": "actor"}
_ENVIRONMENTS = {"ray": "`on: {runtime_env: {...}}`"}


def allocation_word(engine: str) -> str:
    """What an engine gives for one agent."""
    return _ALLOCATIONS.get(engine, "job")


def environment_remedy(engine: str) -> str:
    """What to do where machines have other versions."""
    where = _ENVIRONMENTS.get(engine, "`on: {setup: [...]}`")
    return f"Start search in an environment that all machines share, or load it there by {where}."
