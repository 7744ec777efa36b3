"""The ranges for the options of a script's command line: those of arguments with the same names,
but for what only a script has.

An option may be anything, also one that ends the script before it trains.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace

from search.answers import (
    BOOL,
    CHOICE,
    FLOAT,
    GROUP,
    GROUP_OF_VALUES,
    INT,
    LIST,
    OTHER,
    REPEATED,
    TEXT,
    UNEVEN_GROUP,
    Argument,
)
from search.plain.equality import is_number
from search.plain.tree import ARGUMENTS
from search.proposal.ranges import Proposal, propose
from search.space.distributions import Categorical, Distribution, FloatRange, IntRange

_MACHINE = re.compile(
    r"(.*_)?(accelerator|devices?|gpus?|strategy|precision|backend|logger|loggers|log_level|level|"
    r"verbosity|format|out|output|cache|version|env|environment|action|command|resume|trainer|"
    r"callbacks|paths|extras|debug|experiment|local|num_nodes|nodes|data|dataset|datamodule)"
)
_EPOCHS = re.compile(r"(max_|num_|n_|total_)?epochs?")
_BATCH_SIZE = re.compile(r"(train_)?batch_?size|(train_)?bs|b")

_OFFERED_GROUPS = {
    UNEVEN_GROUP: "a config group: its options take other values, so search those of one alone",
    GROUP_OF_VALUES: "a config group: its options differ in values alone, which are searched",
}

# options that take no single value
_OTHER_WAYS = {
    LIST: "a list: search it as a whole, as in {choice: {a: {value: [1, 2]}, b: {value: [3]}}}",
    REPEATED: "may be given again and again, which a study file cannot say: it gives one value",
}


def is_option(argument: Argument) -> bool:
    """Tell whether an argument is of a script's command line."""
    return argument.path.startswith(f"{ARGUMENTS}.")


def propose_option(argument: Argument) -> Proposal:
    """The proposal for an option of a script."""
    name = argument.name.lower()
    if _MACHINE.fullmatch(name) and not argument.is_required:
        return Proposal(argument, None, "changes nothing that is learnt, or what trials judge by")
    if argument.annotation in (GROUP, *_OFFERED_GROUPS):
        return _group(argument)
    made = _required_number(argument) or propose(argument)
    if not made.is_known and argument.annotation in _OTHER_WAYS:
        return replace(made, why=_OTHER_WAYS[argument.annotation])
    if argument.kind == BOOL and made.distribution is not None:
        choice = Categorical((False, True))
        return Proposal(argument, choice, "on or off: search it if it matters", is_offered=True)
    if argument.kind in (TEXT, CHOICE) and argument.is_required and argument.choices:
        return Proposal(argument, Categorical(argument.choices), "required: each that it takes")
    return _bounded(made)


def _required_number(argument: Argument) -> Proposal | None:
    """The proposal for a value that must be given and has no type, by its name alone; None where
    that says nothing."""
    if not argument.is_required or argument.kind != OTHER or argument.annotation:
        return None
    for kind in (FLOAT, INT):
        made = propose(argument.of_kind(kind))
        if made.distribution is not None and made.is_known:
            why = f"required: search it, or give it a value above; {made.why}"
            return Proposal(argument, made.distribution, why, is_offered=True)
    return Proposal(argument, None, "required: give it a value above")


def is_epochs(argument: Argument) -> bool:
    """Tell whether an option says how long a trial trains."""
    return _EPOCHS.fullmatch(argument.name.lower()) is not None and argument.value is not None


def is_batch_size(argument: Argument) -> bool:
    """Tell whether an option takes the micro-batch."""
    return _BATCH_SIZE.fullmatch(argument.name.lower()) is not None


def _bounded(proposal: Proposal) -> Proposal:
    """The proposal within what the parser takes."""
    argument, distribution = proposal.argument, proposal.distribution
    low = -math.inf if argument.low is None else argument.low
    high = math.inf if argument.high is None else argument.high
    match distribution:
        case Categorical(values=values):
            kept = tuple(each for each in values if not is_number(each) or low <= each <= high)
            inside: Distribution | None = Categorical(kept) if len(kept) > 1 else None
        case FloatRange():
            ends = max(distribution.low, float(low)), min(distribution.high, float(high))
            inside = replace(distribution, low=ends[0], high=ends[1]) if ends[0] < ends[1] else None
        case IntRange():
            first, last = max(distribution.low, low), min(distribution.high, high)
            inside = None
            if first < last:
                inside = replace(distribution, low=math.ceil(first), high=math.floor(last))
        case _:
            return proposal
    if inside is None:
        return Proposal(argument, None, "its own bounds leave no range around its default")
    return replace(proposal, distribution=inside)


def _group(argument: Argument) -> Proposal:
    choice = Categorical(argument.choices)
    why = _OFFERED_GROUPS.get(argument.annotation)
    if why is not None:
        return Proposal(argument, choice, why, is_offered=True)
    return Proposal(argument, choice, "a config group: each of its options")
