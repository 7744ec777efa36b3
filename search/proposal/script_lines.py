"""Lines of a proposed study file that only a script has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from search.answers import Description
from search.plain.tree import ARGUMENTS
from search.plain.yaml import flow_yaml, shown
from search.proposal.options import is_batch_size, is_epochs
from search.proposal.proposed_lines import is_live, with_reason
from search.proposal.ranges import Proposal


def is_of_script(sections: Mapping[str, object]) -> bool:
    """Tell whether a study file runs a script."""
    return "script" in sections or "module" in sections


def script_lines(
    sections: Mapping[str, object], description: Description, proposals: Sequence[Proposal]
) -> Iterator[str]:
    """The sections of a script: what is run, and with which arguments."""
    for key, value in sections.items():
        yield f"{key}: {flow_yaml(value)}"
    if description.is_hydra:
        overrides = description.hydra_overrides
        why = "as on its command line"
        if overrides:
            why = "its own configuration asks for several jobs, and a trial is one"
        yield with_reason(f"hydra: {{overrides: {flow_yaml(list(overrides))}}}", why)
    arguments = list(_arguments(description, proposals))
    if arguments:
        yield "# on the command line of every trial"
        yield f"{ARGUMENTS}:"
        yield from arguments


def batch_line(proposals: Sequence[Proposal]) -> str | None:
    """The line that lets the micro-batch of a script be scaled; None without an option for it."""
    for each in proposals:
        if is_batch_size(each.argument) and (name := _option(each)) is not None:
            given = f"{{argument: {name}, auto_scale: binsearch}}"
            return f"# batch: {given}   # the largest micro-batch that fits"
    return None


def _arguments(description: Description, proposals: Sequence[Proposal]) -> Iterator[str]:
    if description.commands:
        yield from _command(description)
    for each in proposals:
        argument = each.argument
        name = _option(each) or argument.name
        if argument.is_required and not is_live(each):
            kind = argument.annotation or "a value"
            if argument.choices:
                kind = f"one of {', '.join(map(str, argument.choices))}"
            why = f"{kind}, required: fill it in"
            yield with_reason(f"  # {name}: ...", why)
        elif is_epochs(argument):
            line = f"  {name}: {flow_yaml(argument.value)}"
            yield with_reason(line, "its own default: how long a trial trains")


def _command(description: Description) -> Iterator[str]:
    """The command that trains, and what is known of the options before it."""
    commands = description.commands
    why = "the one of its commands that trains"
    if description.guessed_from:
        why = f"a guess, of its commands {', '.join(description.guessed_from)}"
    given = flow_yaml(commands[0] if len(commands) == 1 else list(commands))
    yield with_reason(f"  command: {given}", why)
    before = sorted(description.before_command, key=lambda each: not each.is_required)
    names = [each.path.removeprefix(f"{ARGUMENTS}.") for each in before]
    if names:
        told = [
            f"{name} (required)" if each.is_required else name
            for name, each in zip(names, before, strict=True)
        ]
        yield f"  # left out: {shown(', '.join(told), 200)}"
        yield "  # they stand before the command, where no searched value can; fixed ones can, as"
        yield f"  # command: {flow_yaml([names[0], 'VALUE', *commands])}"


def _option(proposal: Proposal) -> str | None:
    """The name of an option as a study file spells it; None for any other argument."""
    section, _, name = proposal.argument.path.partition(".")
    return flow_yaml(name) if section == ARGUMENTS else None
