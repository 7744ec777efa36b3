"""Sizes as people write them in a study file."""

from __future__ import annotations

import pytest

from search.plain.sizes import parse_size, size_text


@pytest.mark.parametrize(
    ("written", "count"),
    [
        ("16GiB", 16 << 30),
        ("16G", 16 << 30),
        (" 1.5 GiB ", 3 << 29),
        ("512MiB", 512 << 20),
        ("100K", 100 << 10),
        ("2T", 2 << 40),
        ("7B", 7),
    ],
)
def test_size_is_read_and_written_as_the_same_number(written: str, count: int) -> None:
    assert parse_size(written) == count
    assert parse_size(size_text(count)) == count


def test_size_is_written_in_its_largest_whole_unit() -> None:
    assert size_text(16 << 30) == "16GiB"
    assert size_text(3 << 29) == "1536MiB"
    assert size_text(1001) == "1001B"


@pytest.mark.parametrize("written", [16, 16.0, "16", "16GB", "16g", "-1GiB", "0GiB", True, None])
def test_what_may_mean_something_else_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="must be a size such as 512MiB or 16GiB, got"):
        parse_size(written)
