"""The text of a proposed study file: every line with its reason, for a reader who edits it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from search.answers import OPTIMIZER_CALLABLE, Argument, Description
from search.plain.metric_names import likely_direction
from search.plain.yaml import flow_yaml, shown
from search.proposal.options import is_option, propose_option
from search.proposal.proposed_lines import (
    given_value,
    is_live,
    range_text,
    short_path,
    with_reason,
)
from search.proposal.ranges import Proposal, propose
from search.proposal.script_lines import batch_line, is_of_script, script_lines

# a study must search something; this does no harm to any model
_WHERE_NOTHING_ELSE = (
    "trainer.gradient_clip_val: {float: [1e-1, 1e+1], log: true}",
    "the module takes no argument that could be searched",
)
_UNKNOWN_METRIC = "val_loss"
_OPTIMIZER = "torch.optim.Adam"
_HEADS = r"(.*_)?(n|num)_?heads?|(.*_)?heads"
# the width that attention splits among its heads
_DIVIDED = r"d_model|(.*_)?embed(ding)?(_dim|_size)?|(hidden|model|attention)_(dim|size)|dim|width"


@dataclass(frozen=True)
class Guess:
    """The objective that a proposed file has.

    metric: the name to judge by.
    direction: minimize or maximize.
    why: the reason for both.
    others: the other metrics that are logged.
    """

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
    sections: Mapping[str, object],
    tree: Mapping[str, object],
    description: Description,
    guess: Guess,
    command: str,
) -> str:
    """The text of a study file.

    Args:
        sections: what the study file itself has: base, cli, model, data, trainer; or a script.
        tree: the same with everything that its base gives.
        command: the command that made it, for its first line.
    """
    proposals = [_proposal(argument) for argument in description.arguments]
    if is_of_script(sections):
        head = list(script_lines(sections, description, proposals))
    else:
        head = list(_sections(sections, proposals, lacks_data=description.lacks_data))
    lines = [
        f"# Proposed by `{command}`: every line is yours to change.",
        "# Next: `search check` with this file, then `search run` with it.",
        "",
        *head,
        "",
        *_objective(guess),
        "",
        "# what is searched: the path of a value -> where to look, and why there",
        "space:",
        *_space(proposals, tree),
        *_constraints(proposals, tree),
        "",
        *_rest(proposals),
    ]
    return "\n".join(lines) + "\n"


def count_searched(description: Description) -> int:
    """The number of values that a proposed file searches."""
    proposals = [_proposal(argument) for argument in description.arguments]
    live = sum(map(is_live, proposals)) + len(list(_optimizers(proposals)))
    # where there is nothing else, one of the Trainer's, which Hydra makes itself
    return live if description.is_hydra else max(1, live)


def missing_arguments(description: Description, tree: Mapping[str, object]) -> list[str]:
    """Arguments that have no value, and to which neither a range nor the file gives one."""
    return [
        short_path(argument.path, tree)
        for argument in (*description.before_command, *description.arguments)
        if argument.is_required
        and not argument.is_linked
        and (is_option(argument) or not argument.is_foreign)
        and argument.annotation != OPTIMIZER_CALLABLE
        and not is_live(_proposal(argument))
    ]


def _proposal(argument: Argument) -> Proposal:
    return propose_option(argument) if is_option(argument) else propose(argument)


def _sections(
    sections: Mapping[str, object], proposals: Sequence[Proposal], *, lacks_data: bool
) -> Iterator[str]:
    for key, value in sections.items():
        if not isinstance(value, Mapping) or "class_path" not in value:
            yield f"{key}: {flow_yaml(value)}"
            continue
        yield f"{key}:"
        yield f"  class_path: {value['class_path']}"
        yield from _required(key, proposals)
    for key in dict.fromkeys(each.argument.path.partition(".")[0] for each in proposals):
        if key not in sections and (lines := list(_required(key, proposals))):
            yield f"# {key}:"
            yield from (f"# {line.replace('# ', '', 1)}" for line in lines)
    if lacks_data:
        text = "# data: {class_path: my_package.MyDataModule}"
        yield with_reason(text, "required: the module has no train_dataloader of its own")


def _required(section: str, proposals: Sequence[Proposal]) -> Iterator[str]:
    """Lines for the arguments that a section must give: as comments, where nobody can guess."""
    absent = [
        each.argument
        for each in proposals
        if each.argument.is_required and not each.argument.is_linked and not is_live(each)
    ]
    for parent in (section, f"{section}.init_args", f"{section}.dict_kwargs"):
        here = [each for each in absent if each.parent == parent]
        known = [each for each in here if each.annotation == OPTIMIZER_CALLABLE]
        indent = "  " if parent == section else "    "
        if here and parent != section:
            key = parent.rpartition(".")[2]
            yield f"  {key}:" if known else f"  # {key}:"
        for each in known:
            text = f"{indent}{each.name}: {{class_path: {_OPTIMIZER}}}"
            yield with_reason(text, "required: the usual one")
        # below a key that is itself a comment the mark stands where that has its own
        mark = f"{indent[2:]}#   "
        if known or parent == section:
            mark = f"{indent}# "
        for each in here:
            if each not in known:
                why = f"{each.annotation or 'a value'}, required: fill it in"
                yield with_reason(f"{mark}{each.name}: ...", why)


def _objective(guess: Guess) -> Iterator[str]:
    yield f"# {guess.why}"
    yield f"objective: {{metric: {flow_yaml(guess.metric)}, direction: {guess.direction}}}"
    for name in guess.others:
        direction = likely_direction(name) or "minimize or maximize"
        yield f"# also logged: {shown(name)} ({direction})"


def _space(proposals: Sequence[Proposal], tree: Mapping[str, object]) -> Iterator[str]:
    live = [each for each in proposals if is_live(each)]
    for each in live:
        assert each.distribution is not None
        text = f"  {short_path(each.argument.path, tree)}: {range_text(each.distribution)}"
        yield with_reason(text, each.why)
    optimizers = list(_optimizers(proposals))
    for argument in optimizers:
        text = f"  {short_path(argument.path, tree)}.lr: {{float: [1e-5, 0.1], log: true}}"
        yield with_reason(text, "its learning rate: by its logarithm")
    if not live and not optimizers:
        yield with_reason(f"  {_WHERE_NOTHING_ELSE[0]}", _WHERE_NOTHING_ELSE[1])
    rest = [
        each
        for each in proposals
        if not is_live(each) and not each.argument.is_foreign and each.argument not in optimizers
    ]
    if rest:
        yield "  # not searched:"
    for each in rest:
        path = short_path(each.argument.path, tree)
        given = given_value(each.argument)
        value = range_text(each.distribution) if each.distribution is not None else given
        yield with_reason(f"  # {path}: {value}".rstrip(), each.why)


def _optimizers(proposals: Sequence[Proposal]) -> Iterator[Argument]:
    """Arguments that must be given an optimizer, for which the file has the usual one."""
    for each in proposals:
        argument = each.argument
        if argument.is_required and argument.annotation == OPTIMIZER_CALLABLE:
            yield argument


def _constraints(proposals: Sequence[Proposal], tree: Mapping[str, object]) -> Iterator[str]:
    """Lines for heads of attention, which must divide a width, or no model can be built."""
    live = [each.argument for each in proposals if is_live(each)]
    pairs = [
        (width, heads)
        for heads in live
        for width in live
        if re.fullmatch(_HEADS, heads.name)
        and re.fullmatch(_DIVIDED, width.name)
        and width.parent == heads.parent
    ]
    if pairs:
        yield "constraints:"
    for width, heads in pairs:
        text = f"  - {short_path(width.path, tree)} % {short_path(heads.path, tree)} == 0"
        yield with_reason(text, "heads divide the width")


def _rest(proposals: Sequence[Proposal]) -> Iterator[str]:
    sizes = [each.argument for each in proposals if each.argument.name == "batch_size"]
    if (line := batch_line(proposals)) is not None:
        yield line
    elif any(not each.is_linked for each in sizes):
        yield "# batch: {auto_scale: binsearch, max: 256}   # the largest micro-batch that fits"
    yield with_reason("sampler: tpe", "learns from the trials before")
    yield with_reason(
        "pruner: {name: median, n_startup_trials: 5, n_warmup_steps: 3}",
        "ends a trial that is worse than half of those before",
    )
    yield "budget: {trials: 50}"
    yield "seed: 42"
