"""The table of faults in the README, written by the tests that cause them.

Each test hands in its row when it has passed; `python -m faults.table` (from `tests/`) puts the
rows of the last run into the README.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
ROWS = ROOT / "tests" / "faults" / "rows"
BEGIN, END = "<!-- faults -->", "<!-- /faults -->"

# rows that count the cases of whole files: what is done, what came of all of them
COUNTED = {
    "bad inputs: databases, study files, URLs, names, options": (
        ("tests/faults/test_bad_inputs.py", "tests/study/test_bad_study_files.py"),
        "one line each, input unchanged",
    ),
    "security payloads: YAML, pickles, links, addresses, HTML, CSV, terminal, channel": (
        ("tests/faults/test_security",),
        "0 executed, 0 escaped, 0 leaked",
    ),
}

RowWriter = Callable[[str, str], None]


def write_row(place: tuple[str, int], test: str, result: str, where: str) -> None:
    """Note the result of a test that has passed; `place` is its file and line."""
    ROWS.mkdir(exist_ok=True)
    row = {"place": place, "test": test, "result": result, "where": where}
    name = re.sub(r"[^a-z0-9]+", "-", f"{where} {test}".lower())[:90]
    (ROWS / f"{name}.json").write_text(json.dumps(row))


def write_counts(passed: Collection[str], failed: Collection[str]) -> None:
    """Note the rows of `COUNTED` whose files were run and held.

    Args:
        passed: the tests that did, by their node ids; `failed` likewise.
    """
    for order, (test, (files, result)) in enumerate(COUNTED.items()):
        held = sum(node.startswith(files) for node in passed)
        if held and not any(node.startswith(files) for node in failed):
            write_row((files[0], order), test, f"{held}, {result}", "every CI run")


def rendered() -> str:
    """The rows as a Markdown table."""
    rows = sorted(
        (json.loads(path.read_text()) for path in ROWS.glob("*.json")),
        key=lambda row: (row["where"] != "every CI run", row["place"], row["test"]),
    )
    lines = ["| what is done to it | result | where |", "|---|---|---|"]
    lines += [f"| {row['test']} | {row['result']} | {row['where']} |" for row in rows]
    return "\n".join(lines)


def main() -> None:
    text = README.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{rendered()}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
