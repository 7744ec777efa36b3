"""The machines of a study that runs on a cluster: who works on what, since when, until when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TextIO

from rich.text import Text

from search.plain.engine_words import allocation_word
from search.plain.formats import NOTHING, format_count, format_duration
from search.plain.strict_json import to_json
from search.store.cluster_nodes import ClusterNodes, NodeAgent
from search.view.console import local_time, plain_console
from search.view.rows import TableColumn, number_columns, print_lines, print_rows
from search.view.terminal_text import clean

# written anew at least every 10 s
_LATE_S = 60.0


def print_nodes(
    name: str, nodes: ClusterNodes | None, stream: TextIO, *, is_running: bool, now: datetime
) -> None:
    """A row an agent, or a line where there is none.

    Args:
        name: of the study.
        nodes: its agents; None where its last run was on one machine.
        now: the present time.
    """
    console = plain_console(stream)
    if nodes is None or not is_running or not nodes.agents:
        print_lines(console, [Text(f"{clean(name)}: {_nobody(nodes, is_running)}")])
        return
    word = allocation_word(nodes.engine)
    at_work = sum(len(agent.work) for agent in nodes.agents)
    jobs = format_count(len(nodes.agents), word)
    summary = f"{clean(name)} on {clean(nodes.engine)}: {jobs}, {at_work} at work"
    print_lines(console, [Text(summary)])
    columns = [
        TableColumn(word),
        TableColumn("node"),
        TableColumn("state"),
        *number_columns("for"),
        TableColumn("until"),
        *number_columns("slots"),
        TableColumn("works on", is_folded=True),
    ]
    print_rows(console, columns, [_row(agent, now) for agent in nodes.agents])
    late_s = _seconds(nodes.written, now)
    if late_s > _LATE_S:
        text = f"as it was {format_duration(late_s)} ago; nothing was told since"
        print_lines(console, [Text(text, style="yellow")])


def nodes_json(name: str, nodes: ClusterNodes | None, *, is_running: bool, now: datetime) -> str:
    """The same as a JSON object; without agents where no run is on.

    Args:
        now: the present time.
    """
    is_on = nodes is not None and is_running
    tree = {
        "study": name,
        "is_running": is_running,
        "engine": nodes.engine if nodes is not None and is_on else None,
        "written": nodes.written if nodes is not None and is_on else None,
        "agents": [_tree(agent, now) for agent in nodes.agents] if nodes and is_on else [],
    }
    return to_json(tree, indent=2)


def _nobody(nodes: ClusterNodes | None, is_running: bool) -> str:
    if nodes is None:
        return "has no jobs on a cluster. Ask for some: search run STUDY_FILE --on slurm"
    if is_running:
        return f"waits for its first {allocation_word(nodes.engine)} of {clean(nodes.engine)}"
    return "no run is on"


def _row(agent: NodeAgent, now: datetime) -> list[object]:
    work = [f"{each.in_words} for {_passed(each.since, now)}" for each in agent.work]
    state = agent.state if not agent.why else f"{agent.state} ({agent.why})"
    return [
        Text(clean(agent.name), style="bold"),
        agent.node or NOTHING,
        state,
        _passed(agent.since, now),
        local_time(agent.ends) if agent.ends is not None else NOTHING,
        agent.slots or NOTHING,
        ", ".join(work) or NOTHING,
    ]


def _tree(agent: NodeAgent, now: datetime) -> dict[str, object]:
    return {
        "name": agent.name,
        "node": agent.node or None,
        "state": agent.state,
        "why": agent.why or None,
        "since": agent.since,
        "ends": agent.ends,
        "slots": agent.slots,
        "work": [
            {
                "attempt": each.attempt,
                "task": each.task,
                "trial": each.trial,
                "since": each.since,
                "seconds": round(_seconds(each.since, now)),
            }
            for each in agent.work
        ],
    }


def _passed(since: datetime, now: datetime) -> str:
    seconds = _seconds(since, now)
    # times of files are in whole seconds
    return f"{seconds:.0f} s" if seconds < 60 else format_duration(seconds)


def _seconds(since: datetime, now: datetime) -> float:
    # clocks of machines differ
    return max(0.0, (now - since.astimezone(UTC)).total_seconds())
