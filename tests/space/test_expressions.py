"""Expressions over parameters: what they come to, and that they can do nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from search.space.expressions import Incomputable, Missing, parse_expression

VALUES = {
    "model.hidden": 64,
    "model.lr": 0.5,
    "model.act": "relu",
    "model.bias": True,
    "model.none": None,
    "trainer.callbacks.0.init_args.lambda": 3,
    "model.net[my-mlp].width": 8,
}


def full(path: str) -> str:
    return path


def lookup(path: str) -> Any:
    if path not in VALUES:
        raise Missing(path)
    return VALUES[path]


def value(text: str) -> Any:
    return parse_expression(text, full).value(lookup)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model.hidden // 2", 32),
        ("model.hidden / 2 + model.lr ** 2", 32.25),
        ("-model.hidden % 7", -64 % 7),
        ("model.hidden >= 64 and not model.lr > 1", True),
        ("1 <= model.net[my-mlp].width < 8", False),
        ("model.act == 'relu' or model.none.more > 3", True),
        ("model.act in ('relu', \"tanh\")", True),
        ("model.act not in ['relu']", False),
        ("model.act == 'model.hidden'", False),
        ("model.none == None", True),
        ("model.bias == True", True),
        ("min(model.hidden, 10) + max(1, 2, 3) + abs(-1) + round(2.6) + int(7.9)", 24),
        ("model.hidden if model.bias else 1", 64),
        ("trainer.callbacks.0.init_args.lambda * 2", 6),
    ],
)
def test_expression_comes_to(text: str, expected: Any) -> None:
    assert value(text) == expected


ARGUMENTS = {
    "--hidden-dim": 8,
    "--lr": 0.5,
    "--net[my-mlp].--width": 3,
    "--amp/--no-amp": True,
    "arguments.-b": 2,
    "lr": 4,
    "model.net.width": 16,
    "size": "min",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--hidden-dim>=--lr", True),
        ("--hidden-dim - 2 * --net[my-mlp].--width", 2),
        ("-(--lr)*2", -1.0),
        ("not --amp/--no-amp or arguments.-b == 2", True),
        ("lr-lr + model.net.width // lr", 4),
        ("max(--hidden-dim, model.net.width) if size == 'min' and lr in [4] else None", 16),
    ],
)
def test_arguments_of_a_script_are_paths(text: str, expected: Any) -> None:
    def find(path: str) -> Any:
        if path not in ARGUMENTS:
            raise Missing(path)
        return ARGUMENTS[path]

    assert parse_expression(text, full, of_script=True).value(find) == expected


def test_paths_are_spelt_in_full_and_texts_are_no_paths() -> None:
    expression = parse_expression("m.lr > 1 and m.lr < 'a.b'", lambda path: f"<{path}>")
    assert expression.paths == ("<m.lr>", "<m.lr>")


ALLOWED = "Use numbers, texts, paths, comparisons, and/or/not, arithmetic, min, max, abs, round."


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("__import__('os').system('x')", "may not have the call __import__('os').system('x'). " + ALLOWED),
        ("open('/etc/passwd')", "may not have the call open('/etc/passwd'). " + ALLOWED),
        ("(lambda: 1)()", "may not have the call (lambda: 1)(). " + ALLOWED),
        ("round(1, 999999999)", "may not have the call round(1, 999999999). " + ALLOWED),
        ("max(*[1, 2])", "may not have a star. " + ALLOWED),
        ("min(1, 2, key=model.hidden)", "may not have the call min(1, 2, key=model.hidden). " + ALLOWED),
        ("().__class__", "may not have an attribute of a value. " + ALLOWED),
        ("'a'.join", "may not have an attribute of a value. " + ALLOWED),
        ("[1, 2][0]", "may not have an index. " + ALLOWED),
        ("[x for x in (1, 2)]", "may not have ListComp in it. " + ALLOWED),
        ("(x := 1)", "may not have an assignment. " + ALLOWED),
        ("f'{1}'", "may not have a formatted text. " + ALLOWED),
        ("lambda: 1", "may not have a lambda. " + ALLOWED),
        ("1 << 100000", "may not have LShift in it. " + ALLOWED),
        ("{1: 2}", "may not have Dict in it. " + ALLOWED),
        ("b'x' == 1", "may not have b'x'. " + ALLOWED),
        ("1j > 0", "may not have 1j. " + ALLOWED),
        ("hidden > 1", "hidden is no path. Write one with its section, such as model.hidden."),
        ("_path0_ > 1", "is no expression, got _path0_ > 1. " + ALLOWED),
        ("model.a >", "is no expression, got model.a >. " + ALLOWED),
        ("import os", "is no expression, got import os. " + ALLOWED),
        ("a.b = 3", "is no expression, got a.b = 3. " + ALLOWED),
        ("model.a\0 > 1", "is no expression, got model.a? > 1. " + ALLOWED),
        ("not " * 70 + "model.a", "is nested too deep or too long. Write several shorter ones."),
        ("+".join("1" for _ in range(90)), "is nested too deep or too long. Write several shorter ones."),
        ("1 > " + "9" * 200, "a number in it is too large"),
        ("1 > 1e999", "a number in it is too large"),
        ("model.a > 1 " * 40, "may have 300 characters, got 480. Write several shorter ones."),
        ("  ", "must be an expression, got   . Write model.a >= model.b."),
        (5, "must be an expression, got 5. Write model.a >= model.b."),
    ],
)  # fmt: skip
def test_what_is_not_on_the_list_cannot_be_written(text: Any, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_expression(text, full)
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("9**9**9", "the power 387420489 is above 64"),
        ("10**60", "a number in it is too large"),
        ("(9**18 * 9) ** 60", "a number in it is too large"),
        ("(-8) ** 0.5", "a number in it is too large"),
        ("model.hidden / 0", "division by zero"),
        ("model.act * 3", "relu is no number"),
        ("model.act < 3", "relu is no number"),
        ("model.bias + 1", "true is no number"),
        ("model.none > 1", "null is no number"),
        ("model.hidden and True", "64 is neither true nor false"),
        ("model.hidden in 'text'", "text is no list to look in"),
        ("min(model.act, 1)", "relu is no number"),
        ("min(1)", "'int' object is not iterable"),
    ],
)
def test_what_has_no_value_says_why(text: str, problem: str) -> None:
    with pytest.raises(Incomputable) as caught:
        value(text)
    assert str(caught.value) == problem
