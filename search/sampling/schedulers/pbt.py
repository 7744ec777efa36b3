"""Population based training: Jaderberg et al., Population Based Training of Neural Networks, 2017
(arXiv:1711.09846), with truncation selection.

All trials of a population are trained a little at a time. At each stop those in the last fifth end,
and for each of them a new trial goes on from the checkpoint of one in the first fifth, with
parameters near those of that one. The paper lets a member take over weights and change its
parameters; here a trial has one point for good, so that the member after that is another trial.

The members are compared at the same step, whose checkpoints are kept until all came there, and
nobody goes on who may still turn out to be among the last: what a study comes to does not depend on
how quick each was. When a population is on its last stretch, the next one begins.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from search.plain.formats import format_number
from search.sampling.schedulers.exploration import Exploration
from search.sampling.schedulers.scheduler import (
    GOES_ON,
    BranchProposal,
    Chosen,
    Curves,
    Decision,
    Origin,
    Scheduler,
)
from search.space.distributions import Params
from search.space.short_names import short_names
from search.study_file.curve_steps import step_text

# the fifth of a population that ends, and the one that is gone on from; the paper's
_PART = 0.2


@dataclass
class _Member:
    """A trial of a population."""

    params: Params
    step: int = 0
    """The last that is behind its weights."""
    arrived: int = 0
    """The last stop that it came to, or began at."""
    values: dict[int, float] = field(default_factory=dict)
    """The value at each stop that it came to itself, to be minimized."""
    is_at_stop: bool = False
    """True from the report with which it came to one until it goes on."""
    is_paused: bool = False
    is_over: bool = False
    """True once it has ended, however."""
    is_complete: bool = False
    is_replaced: bool = False
    """True where another trial has its place."""
    is_spared: bool = False
    """True where it goes on although it is among the last: nobody has a checkpoint to go on
    from."""

    @property
    def is_saving(self) -> bool:
        """True where it is told to wait, and does not yet: its checkpoint may not be there."""
        return self.is_at_stop and not (self.is_paused or self.is_over)


@dataclass
class _Population:
    """Trials that are compared with one another."""

    members: dict[int, _Member] = field(default_factory=dict)
    begun: int = 0
    """Members that began at the first step."""

    @property
    def live(self) -> list[_Member]:
        """The members that hold a place and are not over."""
        return [each for each in self.members.values() if not (each.is_over or each.is_replaced)]

    @property
    def complete_stop(self) -> int:
        """The last stop that every live member came to; 0 before there is one."""
        return min((each.arrived for each in self.live), default=0)

    def ranking(self, stop: int) -> list[int]:
        """The members with a value at a stop, the best first."""
        found = [(each.values[stop], n) for n, each in self.members.items() if stop in each.values]
        return [number for _, number in sorted(found)]


class Pbt(Scheduler):
    """Population based training.

    Args:
        population: trials that are trained side by side.
        every: steps from one stop to the next.
        exploration: how parameters of new members come from those of others.
        total: trials that may begin; None is no limit.
    """

    branches = True

    def __init__(
        self,
        curves: Curves,
        *,
        population: int,
        every: int,
        exploration: Exploration,
        total: int | None,
    ) -> None:
        assert curves.last is not None
        self._curves = curves
        self._last = curves.last
        self._size = population
        self._every = every
        self._exploration = exploration
        self._total = total
        self._populations: list[_Population] = []
        self._of: dict[int, _Population] = {}
        self._names = short_names(exploration.points.space)

    def begin(self, number: int, params: Params) -> None:
        if not self._populations or self._populations[-1].begun >= self._size:
            self._populations.append(_Population())
        population = self._populations[-1]
        population.begun += 1
        population.members[number] = _Member(params)
        self._of[number] = population

    def branch(self, number: int, params: Params, origin: Origin) -> None:
        population = self._of[origin.replaces]
        stop = self._stop_before(origin.step)
        population.members[number] = _Member(params, step=origin.step, arrived=stop)
        population.members[origin.replaces].is_replaced = True
        self._of[number] = population

    def report(self, number: int, step: int, value: float) -> None:
        member = self._member(number)
        stop = self._stop_before(step)
        member.is_at_stop = stop > self._stop_before(member.step) and step < self._last
        member.step = step
        if member.is_at_stop:
            member.arrived, member.is_spared = stop, False
            member.values[stop] = self._curves.sign * value if math.isfinite(value) else math.inf

    def decide(self, number: int) -> Decision:
        member = self._member(number)
        if not member.is_at_stop:
            return GOES_ON
        value = self._curves.sign * member.values[member.arrived]
        where = step_text(self._curves.steps, member.arrived)
        return Decision(pauses=True, why=f"{format_number(value)} at {where}, and others train")

    def pause(self, number: int) -> None:
        self._member(number).is_paused = True

    def note_chosen(self, number: int) -> None:
        member = self._member(number)
        member.is_paused = member.is_at_stop = False

    def end(self, number: int, *, is_complete: bool, is_failed: bool) -> None:
        member = self._member(number)
        member.is_paused = False
        member.is_over = True
        member.is_complete = is_complete
        if is_failed:
            member.values.clear()

    def choose(self) -> Chosen | None:
        if self._is_filling:
            return None
        paused = self._paused
        for number in sorted(paused, key=lambda each: (paused[each].arrived, each)):
            if self._may_go_on(number):
                return self._go_on(number)
        return None

    def choose_last(self) -> Chosen | None:
        # every member goes on by itself, but where a total was lowered under way
        paused = self._paused
        return self._go_on(min(paused, key=self._rank)) if paused else None

    def give_up(self) -> int:
        return max(self._paused, key=self._rank)

    @property
    def wants_new(self) -> bool:
        return self._is_filling or all(self._is_settled(each) for each in self._populations)

    def propose(self, number: int, sources: Mapping[int, Collection[int]]) -> BranchProposal | None:
        if self._is_filling or not self._may_begin:
            return None
        for population in self._populations:
            stop = population.complete_stop
            if any(each.arrived == stop and each.is_saving for each in population.live):
                # a later one may be the better source, or the first of those that end
                continue
            ranking = population.ranking(stop)
            for replaced in self._to_replace(population, stop, ranking):
                proposal = self._proposal(number, replaced, stop, sources)
                if proposal is not None:
                    return proposal
                population.members[replaced].is_spared = True
        return None

    def _proposal(
        self, number: int, replaced: int, stop: int, sources: Mapping[int, Collection[int]]
    ) -> BranchProposal | None:
        ranking = self._of[replaced].ranking(stop)
        part = _part(len(ranking))
        # one that is over has none any more
        kept = [
            (each, step)
            for each in ranking[:-part]
            for step in sources.get(each, ())
            if self._stop_before(step) == stop
        ]
        if not kept:
            return None
        random = self._exploration.random(number)
        source, step = random.choice(kept[:part])
        before = self._member(source).params
        params = self._exploration.explore(before, random)
        changed = {path: each for path, each in params.items() if each != before.get(path)}
        named = ", ".join(f"{self._names[path]} {_shown(each)}" for path, each in changed.items())
        why = f"trial {number} goes on from trial {source}'s checkpoint"
        if named:
            why += f" with {named}"
        member = self._member(replaced)
        if not member.is_over:
            value = format_number(self._curves.sign * member.values[stop])
            place = ranking.index(replaced) + 1
            where = step_text(self._curves.steps, stop)
            why = f"left behind at {where}: {value} is number {place} of {len(ranking)}; {why}"
        return BranchProposal(source, step, replaced, params, why)

    def _to_replace(self, population: _Population, stop: int, ranking: list[int]) -> list[int]:
        """The members whose place is another's now: those that ended before they were trained to
        their end, and those among the last."""
        if not stop or len(ranking) < 2:
            return []
        last = ranking[-_part(len(ranking)) :]
        return [
            number
            for number, each in population.members.items()
            if not (each.is_replaced or each.is_complete or each.is_spared)
            and (each.is_over or (each.is_paused and each.arrived == stop and number in last))
        ]

    def _may_go_on(self, number: int) -> bool:
        """Tell whether a paused member is not among the last, whatever others still report."""
        member, population = self._member(number), self._of[number]
        stop = member.arrived
        if member.is_spared or not self._may_begin or stop not in member.values:
            return True
        if population.complete_stop < stop - self._every:
            # others may yet begin at its checkpoint before the last
            return False
        ranking = population.ranking(stop)
        missing = sum(each.arrived < stop for each in population.live)
        count = len(ranking) + missing
        return ranking.index(number) < len(ranking) - _part(count) or count < 2

    def _go_on(self, number: int) -> Chosen:
        member = self._member(number)
        self.note_chosen(number)
        ranking = self._of[number].ranking(member.arrived)
        where = step_text(self._curves.steps, member.arrived)
        if number not in ranking:
            return Chosen(number, f"from {where}")
        value = format_number(self._curves.sign * member.values[member.arrived])
        place = ranking.index(number) + 1
        return Chosen(number, f"{value} at {where} is number {place} of {len(ranking)}")

    @property
    def _is_filling(self) -> bool:
        """True while the newest population has not begun as a whole."""
        if not self._may_begin:
            return False
        return not self._populations or self._populations[-1].begun < self._size

    @property
    def _may_begin(self) -> bool:
        return self._total is None or len(self._of) < self._total

    def _is_settled(self, population: _Population) -> bool:
        """Tell whether no member of a population stops once more."""
        final = (self._last - 1) // self._every * self._every
        return all(each.arrived >= final and not each.is_paused for each in population.live)

    @property
    def _paused(self) -> dict[int, _Member]:
        members = ((number, self._member(number)) for number in self._of)
        return {n: each for n, each in members if each.is_paused and not each.is_replaced}

    def _rank(self, number: int) -> tuple[int, float, int]:
        """The order of those that wait: those that came furthest first, then by value."""
        member = self._member(number)
        return (-member.arrived, member.values.get(member.arrived, math.inf), number)

    def _member(self, number: int) -> _Member:
        return self._of[number].members[number]

    def _stop_before(self, step: int) -> int:
        """The last stop up to a step."""
        return step // self._every * self._every


def _part(count: int) -> int:
    """The members in the first or in the last fifth of so many."""
    return max(1, int(_PART * count + 1e-9))


def _shown(value: object) -> str:
    return format_number(value) if isinstance(value, float) else str(value)
