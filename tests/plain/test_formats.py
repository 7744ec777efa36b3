"""Values as text, the same for terminal and report."""

from __future__ import annotations

import math

import pytest

from search.plain.formats import (
    format_duration,
    format_list,
    format_number,
    format_percent,
    format_size,
    format_value,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (7, "7"),
        (1_234_567, "1234567"),
        (123_456.0, "123456"),
        (-2.0, "-2"),
        (0.012345678, "0.012346"),
        (2e6, "2e+06"),
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_numbers_have_five_digits_and_whole_ones_no_dot(value: float | None, text: str) -> None:
    assert format_number(value) == text


def test_parameters_read_as_in_a_study_file() -> None:
    values = [None, True, False, 1, 0.5, "adam"]
    assert [format_value(value) for value in values] == [
        "null",
        "true",
        "false",
        "1",
        "0.5",
        "adam",
    ]


def test_sizes_have_two_or_three_digits() -> None:
    sizes = [format_size(count) for count in (0, 812, 4300, 40 << 20, 1400 << 20, 3 << 40)]
    assert sizes == ["0 B", "812 B", "4.2 KiB", "40 MiB", "1.4 GiB", "3.0 TiB"]


def test_durations_in_two_units() -> None:
    seconds = (1.94, 42, 185, 7620, 273600, math.nan, None)
    assert [format_duration(each) for each in seconds] == [
        "1.9 s",
        "42 s",
        "3 min 05 s",
        "2 h 07 min",
        "3 d 04 h",
        "–",
        "–",
    ]


def test_a_small_share_is_not_nothing() -> None:
    assert [format_percent(share) for share in (0, 0.001, 0.256)] == ["0 %", "< 1 %", "26 %"]


def test_long_lists_are_cut_and_counted() -> None:
    lists = [[], ["a"], ["a", "b"], ["a", "b", "c", "d"]]
    assert [format_list(names, 2) for names in lists] == ["", "a", "a and b", "a, b and 2 more"]
