"""Values on the command line of a script of Hydra's, read back by Hydra's own parser."""

from __future__ import annotations

import math

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from search.study_file.scripts import command_line, hydra_value

PLAIN = [None, True, False, 0, -3, 1e-3, 1e-05, -2.5e30, math.inf, -math.inf]
LIKE_OTHERS = ["1e-3", "1", "-1", "1_000", "0x10", ".5", "true", "NULL", "None", "nan", "-inf", ""]
SIGNS = [" ", " lead", "trail ", "a b", "a,b", "a=b", "a:b", "$x", "$", "{a}", "[a", "(a)", "#c"]
SIGNS += ["'", '"', "it's", '"both\' "', "'quoted'", "~a", "+a", "a@b", "*", "?", "|", "%", "<>;"]
BACKSLASHES = ["\\", "a\\", "\\'", "a\\'b", "\\\\'", "C:\\dir\\", "\\\\server\\x", "a\\,b"]
OTHERS = ["\t", "a\nb", "café", "日本", "😀", "choice(1,2)", "range(3)", "a/b.c-d", "--x", "~/data"]
NESTED: list[object] = [
    [],
    {},
    [1, [2, [None, True]], ["a,b", "c d", "1"]],
    {"a": {"b": [1, "x y"]}, "c.d": 1e-3},
    {"a b": 1, "a:b": 1, "a,b": 2, "a=b": 2, "a}": 2, " a": 1, "a\\": 1, "(x)": 3, "a/b-c": 4},
    [{"a": "'"}, {"b": {}}],
]


def read(text: str) -> object:
    """The value of an override, as Hydra lays it into a configuration."""
    return OverridesParser.create().parse_override(text).value()


@pytest.mark.parametrize("value", [*PLAIN, *LIKE_OTHERS, *SIGNS, *BACKSLASHES, *OTHERS, *NESTED])
def test_value_is_read_back_as_it_was_given(value: object) -> None:
    back = read(f"key={hydra_value(value)}")
    assert back == value
    assert type(back) is type(value)
    config = OmegaConf.create({"key": back})
    assert OmegaConf.to_container(config, resolve=True) == {"key": value}


def test_value_that_is_no_number_is_read_back() -> None:
    back = read(f"key={hydra_value(math.nan)}")
    assert isinstance(back, float)
    assert math.isnan(back)


def test_interpolation_stays_one_within_a_text() -> None:
    config = OmegaConf.create({"root": "here", "key": read(f"key={hydra_value('${root}/a, b')}")})
    assert config.key == "here/a, b"


def test_list_is_one_override_of_hydras_and_several_words_of_others() -> None:
    arguments = {"data.sizes": [1, 2], "--seeds": [3, 4]}
    assert command_line(arguments, ["a=1"]) == ["--seeds", "3", "4", "a=1", "data.sizes=[1,2]"]
    assert command_line({"sizes": [1, 2]}) == ["1", "2"]
