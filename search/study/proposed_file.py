"""The text of a proposed study file: every line with its reason, for a reader who edits it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.study.description import Argument, Description
from search.study.metrics import likely_direction
from search.study.paths import full_path
from search.study.proposal import Proposal, propose
from search.study.space import Choice, Distribution, IntRange
from search.study.yaml_loader import flow_yaml, shown

_REASON_AT = 64
# a study must search something; this does no harm to any model
_WHERE_NOTHING_ELSE = (
    "trainer.gradient_clip_val: {float: [1e-1, 1e+1], log: true}",
    "the module takes no argument that could be searched",
)
_UNKNOWN_METRIC = "val_loss"


@dataclass(frozen=True)
class Guess:
    """The metric to judge by, its direction, why those, and the `others` that are logged."""

    metric: str
    direction: str
    why: str
    others: tuple[str, ...] = ()


def guess_metric(description: Description) -> Guess:
    """The metric that a callback watches, else a loss that is logged, else the first logged."""
    for monitor in description.monitors:
        others = tuple(name for name in description.logged if name != monitor.metric)
        direction = "maximize" if monitor.mode == "max" else "minimize"
        return Guess(monitor.metric, direction, "what a callback of the config monitors", others)
    if not description.logged:
        why = "a guess: the source of the module shows no name that it logs. Write what it logs"
        return Guess(_UNKNOWN_METRIC, "minimize", why)
    losses = [name for name in description.logged if "loss" in name.lower()]
    metric = (losses or list(description.logged))[0]
    others = tuple(name for name in description.logged if name != metric)
    return Guess(metric, likely_direction(metric) or "minimize", "logged at a validation", others)


def proposed_file(
    sections: Mapping[str, Any],
    tree: Mapping[str, Any],
    description: Description,
    guess: Guess,
    command: str,
) -> str:
    """The text of a study file.

    Args:
        sections: what the study file itself has: base, cli, model, data, trainer.
        tree: the same with everything that its base gives.
        command: the command that made it, for its first line.
    """
    proposals = [propose(argument) for argument in description.arguments]
    lines = [
        f"# Proposed by `{command}`: every line is yours to change.",
        "# Next: `search check` with this file, then `search run` with it.",
        "",
        *_sections(sections, proposals),
        "",
        *_objective(guess),
        "",
        "# what is searched: the path of a value -> where to look, and why there",
        "space:",
        *_space(proposals, tree),
        "",
        *_rest(proposals),
    ]
    return "\n".join(lines) + "\n"


def searched(description: Description) -> int:
    """How many arguments a proposed file searches."""
    return sum(_is_live(propose(argument)) for argument in description.arguments)


def missing(description: Description, tree: Mapping[str, Any]) -> list[str]:
    """Arguments that have no value, and that no range gives one."""
    return [
        short_path(argument.path, tree)
        for argument in description.arguments
        if argument.is_required
        and not argument.is_linked
        and not argument.is_foreign
        and not _is_live(propose(argument))
    ]


def short_path(path: str, tree: Mapping[str, Any]) -> str:
    """`model.lr` for `model.init_args.lr`, where a study file takes it for the same."""
    short = path.replace(".init_args.", ".")
    return short if full_path(short, tree) == path else path


def range_text(distribution: Distribution) -> str:
    """A distribution as a user would write it."""
    if isinstance(distribution, Choice):
        return f"{{choice: {flow_yaml(list(distribution.values))}}}"
    kind = "int" if isinstance(distribution, IntRange) else "float"
    text = f"{kind}: [{_number(distribution.low)}, {_number(distribution.high)}]"
    if distribution.log:
        text += ", log: true"
    if distribution.step not in (None, 1):
        text += f", step: {_number(distribution.step or 1)}"
    return f"{{{text}}}"


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    text = f"{value:.6g}"
    if "e" in text:
        mantissa, _, exponent = text.partition("e")
        return f"{mantissa}e{int(exponent):+d}"
    return text if "." in text else f"{text}.0"


def _sections(sections: Mapping[str, Any], proposals: Sequence[Proposal]) -> Iterator[str]:
    absent = [
        each.argument
        for each in proposals
        if each.argument.is_required and not each.argument.is_linked and not _is_live(each)
    ]
    for key, value in sections.items():
        if not isinstance(value, Mapping) or "class_path" not in value:
            yield f"{key}: {flow_yaml(value)}"
            continue
        yield f"{key}:"
        yield f"  class_path: {value['class_path']}"
        places = (key, f"{key}.init_args")
        here = [each for each in absent if each.path.rpartition(".")[0] in places]
        if here:
            yield "  # init_args:"
        for each in here:
            why = f"{each.annotation or 'a value'}, required: fill it in"
            yield _with_reason(f"  #   {each.name}: ...", why)


def _objective(guess: Guess) -> Iterator[str]:
    yield f"# {guess.why}"
    yield f"objective: {{metric: {flow_yaml(guess.metric)}, direction: {guess.direction}}}"
    for name in guess.others:
        direction = likely_direction(name) or "minimize or maximize"
        yield f"# also logged: {shown(name)} ({direction})"


def _space(proposals: Sequence[Proposal], tree: Mapping[str, Any]) -> Iterator[str]:
    live = [each for each in proposals if _is_live(each)]
    for each in live:
        assert each.distribution is not None
        text = f"  {short_path(each.argument.path, tree)}: {range_text(each.distribution)}"
        yield _with_reason(text, each.why)
    if not live:
        yield _with_reason(f"  {_WHERE_NOTHING_ELSE[0]}", _WHERE_NOTHING_ELSE[1])
    rest = [each for each in proposals if not _is_live(each) and not each.argument.is_foreign]
    if rest:
        yield "  # not searched:"
    for each in rest:
        path = short_path(each.argument.path, tree)
        given = _given(each.argument)
        value = range_text(each.distribution) if each.distribution is not None else given
        yield _with_reason(f"  # {path}: {value}".rstrip(), each.why)


def _rest(proposals: Sequence[Proposal]) -> Iterator[str]:
    sizes = [each.argument for each in proposals if each.argument.name == "batch_size"]
    if any(not each.is_linked for each in sizes):
        yield "# batch: {auto_scale: binsearch, max: 256}   # the largest micro-batch that fits"
    yield _with_reason("sampler: tpe", "learns from the trials before")
    yield _with_reason(
        "pruner: {name: median, n_startup_trials: 5, n_warmup_steps: 3}",
        "ends a trial that is worse than half of those before",
    )
    yield "budget: {trials: 50}"
    yield "seed: 42"


def _is_live(proposal: Proposal) -> bool:
    if proposal.distribution is None or proposal.is_offered:
        return False
    # of torch's own switches only those are proposed that a rule knows
    return proposal.is_known or not proposal.argument.is_foreign


def _given(argument: Argument) -> str:
    if argument.is_required:
        return "..."
    return "" if argument.value is None else shown(argument.value)


def _with_reason(text: str, reason: str) -> str:
    # a line break in a reason would begin a line that counts
    return f"{text.ljust(_REASON_AT)}  # {shown(' '.join(reason.split()), 120)}"
