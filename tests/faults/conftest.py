"""Each fault test hands in its row of the README's table."""

from __future__ import annotations

import pytest
from faults.table import RowWriter, write_row


@pytest.fixture
def row(request: pytest.FixtureRequest) -> RowWriter:
    """Note a row of the table; call it last, when everything has held."""
    is_long = request.node.get_closest_marker("long") is not None
    where = "`pytest -m long`" if is_long else "every CI run"

    def write(test: str, result: str) -> None:
        file, line, _ = request.node.location
        write_row((file, line or 0), test, result, where)

    return write
