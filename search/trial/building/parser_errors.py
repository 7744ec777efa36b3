"""One line out of jsonargparse's nested report: place, rule, given value, what to write."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import lightning.pytorch
import torch
from torch.optim.lr_scheduler import LRScheduler

from search.errors import UserError
from search.plain.wording import did_you_mean, nearest, one_of
from search.trial.building.importing import import_name
from search.trial.building.signatures import MADE_WITH, has_open_kwargs, parameters

# by the first type that is wanted; what no entry knows is a class
_TO_WRITE = (
    (r"bool\b", "true or false"),
    (r"float\b", "a number"),
    (r"int\b", "a whole number"),
    (r"str\b", "a text"),
    (r"(list|tuple|set|Iterable|Sequence)\b", "a list, [a, b]"),
    (r"(dict|Mapping)\b", "a mapping, {key: value}"),
    (r"\b[tT]ype\[|a class\b", "the full path of a class, my_package.MyClass"),
)


@dataclass(frozen=True)
class _Report:
    """The report of a parser about one value."""

    lines: tuple[str, ...]
    # path of the value
    place: str
    # the class that stands there; None for a plain value
    class_path: str | None
    # full paths that the parser knows
    keys: tuple[str, ...]

    @property
    def group(self) -> str:
        """The place where its arguments are written."""
        return self.place if self.class_path is None else f"{self.place}.init_args"

    @property
    def named(self) -> Any:
        """The class or function of the class_path; None where there is none."""
        if self.class_path is None:
            return None
        try:
            return import_name(self.class_path, self.place)
        except UserError:
            return None


def explain(message: str, keys: Iterable[str] = ()) -> str:
    """The innermost complaint of a report, with the path of the value that it is about.

    Args:
        keys: full paths that the parser knows, where it is a CLI's own.
    """
    report = _read(message, tuple(keys))
    problem = next((line for line in report.lines if line.startswith("Problem with given")), "")
    inner = report.lines[report.lines.index(problem) + 1 :] if problem else report.lines
    for line in inner:
        if (sentence := _sentence(line, report)) is not None:
            return sentence
    # a report closes from the inside: the first value given belongs to the last types wanted
    given = next(
        (line[13:].strip() for line in report.lines if line.startswith("Given value: ")), None
    )
    wanted = [line[10:].strip() for line in report.lines if line.startswith("Subtypes: ")]
    if given is not None and wanted:
        return f"{report.place}: {_wrong_type(wanted[-1], given)}"
    text = " ".join(line for line in report.lines if not line.startswith("Parser key"))
    return f"{report.place}: {text[:200]}" if report.place else text[:200]


def _read(message: str, known: tuple[str, ...]) -> _Report:
    lines = tuple(line.strip(" -") for line in message.splitlines() if line.strip())
    keys = [match[1] for line in lines if (match := re.match(r'Parser key "([^"]+)":?$', line))]
    keys += [m[1] for line in lines if (m := re.match(r"Group '([^']+)' does not accept", line))]
    classes = [
        found[1]
        for line in lines
        if (found := re.match(r"Problem with given class_path '([^']+)'", line))
    ]
    place = ".init_args.".join(dict.fromkeys(keys))
    return _Report(lines, place, classes[-1] if classes else None, known)


def _sentence(line: str, report: _Report) -> str | None:
    place, group = report.place, report.group
    if found := re.search(r"[Oo]ption '([^']+)'", line):
        return f"{_joined(group, found[1])}: no such argument. {_known_to(report, found[1])}"
    if found := re.match(r"the following arguments are required: ([^,\s]+)", line):
        return _made_too_early(report, found[1]) or _required(_joined(group, found[1]))
    if found := re.match(r'Key "([^"]+)" is required', line):
        return _required(_joined(place, found[1]))
    if found := re.match(r"Import path (\S+) does not correspond to a subclass of (\w+)", line):
        return (
            f"{place}: must be a subclass of {found[2]}, got {found[1]}. "
            f"Name a class that derives from {found[2]}."
        )
    if found := re.match(r"Expected a dot import path string: (.*)", line):
        return _bare_name(report, found[1])
    if found := re.match(r"Expected an? (.+?)\. Got value: (.*)", line):
        return f"{place}: {_wrong_type(found[1], found[2])}"
    if line.startswith(("No module named", "cannot import")):
        return f"{place}.class_path: {line.rstrip('.')}. Correct the path or install the package."
    if line.startswith("Not a valid subclass"):
        return f"{place}: {line.rstrip('.')}. Write {{class_path: ..., init_args: {{...}}}}."
    return None


def _required(path: str) -> str:
    return f"{path}: is required. Give it a value, or search it."


def _known_to(report: _Report, name: str) -> str:
    """The remedy for an argument that is not accepted."""
    named = report.named
    if named is None:
        place, _, last = _joined(report.group, name).rpartition(".")
        if place == "trainer":
            return did_you_mean(last, parameters(lightning.pytorch.Trainer))
        within = f"{place}." if place else ""
        below = [key.removeprefix(within) for key in report.keys if key.startswith(within)]
        return did_you_mean(last, dict.fromkeys(key.partition(".")[0] for key in below))
    known = [each for each in parameters(named) if each not in MADE_WITH]
    behind = f"{report.place}.dict_kwargs.{name}"
    if name in known:
        return f"{named.__qualname__} takes it through its **kwargs. Write {behind}."
    if nearest(name, known) is None and has_open_kwargs(named):
        return f"{one_of(known)} For the **kwargs of {named.__qualname__} write {behind}."
    return did_you_mean(name, known)


def _made_too_early(report: _Report, name: str) -> str | None:
    """An optimizer or a scheduler that should be made before the module that it is for."""
    kinds = (
        (torch.optim.Optimizer, "params", "OptimizerCallable", "self.parameters()"),
        (LRScheduler, "optimizer", "LRSchedulerCallable", "optimizer"),
    )
    named, argument = report.named, report.place.rpartition(".")[2]
    for base, first, annotation, given in kinds:
        if name == first and isinstance(named, type) and issubclass(named, base):
            return (
                f"{report.place}: {named.__name__} needs the {MADE_WITH[first]} of the module, "
                f"which does not exist yet. Annotate the argument as {annotation}, which "
                "lightning.pytorch.cli has, and make it in configure_optimizers: "
                f"self.{argument}({given})."
            )
    return None


def _bare_name(report: _Report, name: str) -> str | None:
    """A class that is named without its module, and is none of those that are found so; None
    where a plain value was wanted too, or what is given is no name."""
    if not all(part.isidentifier() for part in name.split(".")):
        is_alone = not any(line.startswith("Subtypes: ") for line in report.lines)
        return f"{report.place}: {_wrong_type('a class', name)}" if is_alone else None
    if any(re.match(r"Expected a <class '(int|float|str|bool)'>", line) for line in report.lines):
        return None
    wanted = next((line for line in report.lines if line.startswith("Subtypes: ")), "")
    for path in re.findall(r"[\w.]+\.[A-Z]\w*", wanted):
        cls = import_name(path, report.place)
        # typing.Callable is none
        names = {each.__name__ for each in _below(cls)} if isinstance(cls, type) else set()
        if (near := nearest(name, names)) is not None:
            return f"{report.place}.class_path: there is no {name}. Did you mean {near}?"
    return (
        f"{report.place}.class_path: there is no {name}. Write its full path, as in "
        f"my_package.{name}."
    )


def _below(cls: type) -> set[type]:
    """A class and all that derive from it."""
    direct: list[type] = cls.__subclasses__()
    return {cls}.union(*map(_below, direct))


def _wrong_type(wanted: str, given: str) -> str:
    types = _type_name(wanted)
    shown = given[:60]
    if literals := _literals(wanted):
        return f"must be {' or '.join(literals)}, got {shown}. {did_you_mean(given, literals)}"
    for pattern, words in _TO_WRITE:
        if re.search(pattern, types):
            return f"must be {types}, got {shown}. Write {words}."
    return f"must be {types}, got {shown}. Write {{class_path: ..., init_args: {{...}}}}."


def _literals(wanted: str) -> list[str]:
    """The values of Literals, where nothing else is wanted."""
    inside = re.findall(r"Literal\[([^\]]*)\]", wanted)
    rest = re.sub(r"(typing\.)?Literal\[[^\]]*\]|<class 'NoneType'>|[\[\], ]", "", wanted)
    if rest:
        return []
    return list(dict.fromkeys(each.strip("' ") for group in inside for each in group.split(",")))


def _joined(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key.removeprefix("fit.")


def _type_name(text: str) -> str:
    names = re.sub(r"<class '([\w.]+)'>", r"\1", text)
    if names.startswith("[") and names.endswith("]"):
        names = names[1:-1]
    names = names.replace("NoneType", "null").replace("typing.", "")
    return " or ".join(part.strip() for part in names.split(", "))
