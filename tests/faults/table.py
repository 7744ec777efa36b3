"""The table of faults, written by the tests that cause them.

Each test hands in its row when it has passed; `python -m faults.table` (from `tests/`) puts the
rows of the last run into docs/reliability.md, and three of them into the README.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGE = ROOT / "docs" / "reliability.md"
ROWS = ROOT / "tests" / "faults" / "rows"
BEGIN, END = "<!-- faults -->", "<!-- /faults -->"


@dataclass(frozen=True)
class Counted:
    """A row that counts cases: those of the tests whose node ids begin with `of`, not with `but`.

    `least` is how many the row promises; fewer, as in a part of a run, make no row.
    """

    test: str
    of: str
    least: int
    result: str
    but: tuple[str, ...] = ()


_STORED = "tests/faults/test_security_stored.py::"
COUNTED = (
    Counted(
        "bad inputs: databases, events, study files, URLs, names, options",
        of="tests/faults/test_bad_",
        least=200,
        result="one line each, input unchanged",
    ),
    Counted(
        "resume with a changed study file",
        of="tests/faults/test_changed_study_files.py::test_change_is_refused",
        least=24,
        result="0 trial numbers spent",
    ),
    Counted(
        "security payloads: YAML, pickles, links, addresses, HTML, CSV, terminal, channel",
        of="tests/faults/test_security",
        least=150,
        result="0 executed, 0 escaped, 0 leaked",
        # these show that a payload would do what it says
        but=(f"{_STORED}test_payload_executes", f"{_STORED}test_state_of_cmaes_would_be"),
    ),
)

# the rows of the README: what happens most, what hurts most, and the same without this tool
BEST = (
    "SIGKILL of the coordinator",
    "killed in the n-th call of the coordinator",
    "the same kills done to the script of today",
)

RowWriter = Callable[[str, str], None]


def write_row(node: str, place: tuple[str, int], test: str, result: str, where: str) -> None:
    """Note the result of a test that has passed; `place` is its file and line."""
    ROWS.mkdir(exist_ok=True)
    row = {"node": node, "place": place, "test": test, "result": result, "where": where}
    name = re.sub(r"[^a-z0-9]+", "-", f"{where} {test}".lower())[:90]
    (ROWS / f"{name}.json").write_text(json.dumps(row))


def settle(passed: Collection[str], failed: Collection[str]) -> None:
    """Take away the rows of tests that failed, and note those of `COUNTED` that held.

    Args:
        passed: the tests that did, by their node ids; `failed` likewise.
    """
    for path in ROWS.glob("*.json"):
        node = json.loads(path.read_text())["node"]
        if any(each.startswith(node) for each in failed):
            path.unlink()
    for order, row in enumerate(COUNTED):
        held = sum(node.startswith(row.of) and not node.startswith(row.but) for node in passed)
        if held >= row.least and not any(node.startswith(row.of) for node in failed):
            file = row.of.partition("::")[0]
            write_row(row.of, (file, order), row.test, f"{held}, {row.result}", "every CI run")


def rendered() -> list[str]:
    """The rows as lines of a Markdown table, without its head."""
    rows = sorted(
        (json.loads(path.read_text()) for path in ROWS.glob("*.json")),
        key=lambda row: (row["where"] != "every CI run", row["place"], row["test"]),
    )
    return [f"| {row['test']} | {row['result']} | {row['where']} |" for row in rows]


def best(lines: Sequence[str]) -> list[str]:
    """The lines of the README: of each of `BEST` the last one, which is that of the most cases."""
    found = ([line for line in lines if line.startswith(f"| {test}")] for test in BEST)
    return [matching[-1] for matching in found if matching]


def put_into(page: Path, lines: Sequence[str]) -> None:
    """Replace the table of a page."""
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    table = "\n".join(["| what is done to it | result | where |", "|---|---|---|", *lines])
    page.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", "utf-8")


def main() -> None:
    lines = rendered()
    put_into(PAGE, lines)
    put_into(README, best(lines))


if __name__ == "__main__":
    main()
