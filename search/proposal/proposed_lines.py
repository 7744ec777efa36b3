"""Single lines of a proposed study file: paths, ranges, and the reason behind them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from search.answers import Argument
from search.plain.tree import ARGUMENTS
from search.plain.yaml import flow_yaml, shown
from search.proposal.ranges import Proposal
from search.space.distributions import Categorical, Distribution
from search.space.paths import full_path

_REASON_AT = 64


def short_path(path: str, tree: Mapping[str, object]) -> str:
    """`model.lr` for `model.init_args.lr`, and an option alone, where a study file takes it for the
    same."""
    short = path.replace(".init_args.", ".").removeprefix(f"{ARGUMENTS}.")
    return short if full_path(short, tree) == path else path


def range_text(distribution: Distribution) -> str:
    """A distribution as a user would write it."""
    if isinstance(distribution, Categorical):
        return f"{{choice: {flow_yaml(list(distribution.values))}}}"
    low, high = _number(distribution.low), _number(distribution.high)
    text = f"{distribution.kind}: [{low}, {high}]"
    if distribution.log:
        text += ", log: true"
    if "step" in distribution.own_tree():
        text += f", step: {_number(distribution.step or 1)}"
    return f"{{{text}}}"


def _number(value: float) -> str:
    """A number as people write it: 1e-5, not 1.0e-05."""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.6g}"
    if "e" in text:
        mantissa, _, exponent = text.partition("e")
        return f"{mantissa}e{int(exponent):+d}"
    return text if "." in text else f"{text}.0"


def is_live(proposal: Proposal) -> bool:
    """Tell whether a proposal is searched, and not only written down as a comment."""
    if proposal.distribution is None or proposal.is_offered:
        return False
    # of torch's own switches only those are proposed that a rule knows
    return proposal.is_known or not proposal.argument.is_foreign


def given_value(argument: Argument) -> str:
    """The value that an argument has now, as text."""
    if argument.is_required:
        return "..."
    if argument.items is not None:
        return flow_yaml(list(argument.items))
    value = argument.value
    if value is None:
        return ""
    # a folder of this machine says nothing to who reads the file elsewhere
    if isinstance(value, str) and (value.startswith("~") or PurePath(value).is_absolute()):
        return ""
    return shown(value)


def with_reason(text: str, reason: str) -> str:
    """A line with its reason as a comment behind it."""
    # a line break in a reason would begin a line that counts
    return f"{text.ljust(_REASON_AT)}  # {shown(' '.join(reason.split()), 120)}"
