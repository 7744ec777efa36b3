"""`docs/conformance.md`, written from the kinds: `cd tests && python -m conformance.table`."""

from __future__ import annotations

from pathlib import Path

from conformance.kinds import EXACT, KINDS, RANKS, SAME

TABLE = Path(__file__).parent.parent.parent / "docs/conformance.md"
_HEAD = """# What is promised of which kind

Each row is trained by `tests/conformance`, with every run of the tests: whole; killed twice
(two ranks: once) and gone on with; exported; and trained again by plain LightningCLI from what was
exported.

- **run**: a trial ends with its value.
- **kill and resume**: *exact* means that reports, value, weights, optimizers and schedulers are
  those of a trial that nothing happened to, bit for bit. *told by `search check`* means that they
  are not, and that `search check` says so in one line before any trial.
- **export**: `search export` writes a folder that LightningCLI takes.
- **replay**: *same value* means that it trains to the value of the trial, bit for bit.

| | kind | run | kill and resume | export | replay |
|---|---|---|---|---|---|
"""


def rendered() -> str:
    """The whole file."""
    rows = "".join(f"| {' | '.join(kind.cells)} |\n" for kind in [*KINDS, *RANKS])
    told = [kind for kind in KINDS if kind.resume != EXACT]
    lines = [f"- {kind.name}: `{kind.resume}`\n" for kind in told]
    said = "".join(["\nWhat is told of the kinds that are not exact:\n\n", *lines]) if told else ""
    other = [kind for kind in KINDS if kind.replay != SAME]
    assert all(kind.replay for kind in other)
    return _HEAD + rows + said


def main() -> None:
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(rendered(), "utf-8")


if __name__ == "__main__":
    main()
