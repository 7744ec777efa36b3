"""The rules that stop a study beside its total of trials and the time of a run.

Pure: figures in, a rule and a sentence out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

from search.plain.formats import format_duration, format_number
from search.study_file.objective import sign_of

# those of one best value, which several objectives have not
OF_ONE_OBJECTIVE = ("target", "no_improvement", "no_gain")
# the scheduler that knows what is left to gain
FORESEEING = "thaw"
# what is expected to be gained is nothing where it is less than this part of the noise
_NOISE_PART = 0.2


@dataclass(frozen=True)
class StoppingRules:
    """Limits of a study over all of its runs; None is no limit.

    epochs: trained by all attempts together, those repeated after a kill included.
    cost_s: seconds of all attempts together, however many ran at once.
    target: value of the objective that is good enough.
    no_improvement: finished trials in a row without a new best.
    no_gain: complete trials in a row without a new best, once the scheduler expects to gain nothing
        but noise.
    """

    epochs: int | None = None
    cost_s: float | None = None
    target: float | None = None
    no_improvement: int | None = None
    no_gain: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The rules that are set."""
        return tuple(each.name for each in fields(self) if getattr(self, each.name) is not None)

    def over(self, others: StoppingRules) -> StoppingRules:
        """These rules, and those of the `others` where these have none."""
        return replace(others, **{name: getattr(self, name) for name in self.names})

    def to_tree(self) -> dict[str, float]:
        """The rules that are set, by name."""
        return {name: getattr(self, name) for name in self.names}


@dataclass(frozen=True)
class Gain:
    """The most that is left to gain, as a scheduler expects it, in units of the objective.

    most: the largest expected improvement on the best value, of any trial that has not ended or may
        still begin.
    noise: the standard deviation of a value about the curve of its trial.
    """

    most: float
    noise: float

    @property
    def is_noise(self) -> bool:
        """True where going on is not worth it."""
        return self.most < _NOISE_PART * self.noise


@dataclass(frozen=True)
class Spent:
    """Figures of a study that its rules limit.

    epochs: trained by all attempts together.
    cost_s: seconds of all attempts together.
    best: the best value; None before the first.
    since_best: trials that finished after the trial of that value.
    full_since_best: those of them that were trained to their end.
    gain: what was left to gain when that was nothing but noise; None before.
    """

    epochs: int = 0
    cost_s: float = 0.0
    best: float | None = None
    since_best: int = 0
    full_since_best: int = 0
    gain: Gain | None = None

    def after_trial(self, value: float | None, direction: str, *, is_own: bool = True) -> Spent:
        """The figures once one more trial has finished.

        Args:
            value: its value; None where it has none that counts.
            is_own: the study has trained it; False where it was taken over from another one.
        """
        sign = sign_of(direction)
        if value is not None and (self.best is None or sign * value < sign * self.best):
            return replace(self, best=value, since_best=0, full_since_best=0)
        if self.best is None or not is_own:
            return self
        full = self.full_since_best + (value is not None)
        return replace(self, since_best=self.since_best + 1, full_since_best=full)

    def to_tree(self) -> dict[str, object]:
        """The figures by name."""
        return asdict(self)


def figures(rules: StoppingRules, spent: Spent) -> dict[str, str]:
    """How far each rule that is set has come, in words: `37 of 100 epochs`."""
    told = {
        "epochs": f"{spent.epochs:,} of {rules.epochs or 0:,} epochs",
        "cost_s": f"{format_duration(spent.cost_s)} of {format_duration(rules.cost_s)} paid",
        "target": f"best {format_number(spent.best)}, target {format_number(rules.target)}",
        "no_improvement": f"{spent.since_best:,} of {rules.no_improvement or 0:,} trials without "
        "a new best",
        "no_gain": _gain_text(rules.no_gain or 0, spent),
    }
    return {name: told[name] for name in rules.names}


def reached(rules: StoppingRules, spent: Spent, direction: str) -> str | None:
    """The name of the first rule by which the study has to stop; None where it may go on."""
    if rules.epochs is not None and spent.epochs >= rules.epochs:
        return "epochs"
    if rules.cost_s is not None and spent.cost_s >= rules.cost_s:
        return "cost_s"
    if rules.target is not None and _is_as_good(spent.best, rules.target, direction):
        return "target"
    if rules.no_improvement is not None and spent.since_best >= rules.no_improvement:
        return "no_improvement"
    if rules.no_gain is not None and spent.gain is not None:
        return "no_gain" if spent.full_since_best >= rules.no_gain else None
    return None


def raised(rule: str) -> str:
    """The option, as it could be typed, that lets a study go on after it has reached a rule."""
    return {
        "epochs": "--total-epochs MORE",
        "cost_s": "--cost MORE",
        "target": "--target BETTER",
        "no_improvement": "--no-improvement MORE",
        "no_gain": "--no-gain MORE",
    }[rule]


def rules_in(tree: Mapping[str, float]) -> StoppingRules:
    """The rules that `to_tree` has written.

    Raises:
        TypeError: it is nothing that a study writes.
    """
    for name, value in tree.items():
        kinds = (int,) if name in ("epochs", "no_improvement", "no_gain") else (int, float)
        if type(value) not in kinds:
            raise TypeError(f"{type(value).__name__} where {kinds[-1].__name__} is written")
    return StoppingRules(**tree)  # type: ignore[arg-type]


def _gain_text(limit: int, spent: Spent) -> str:
    full = f"{spent.full_since_best:,}"
    if spent.gain is None:
        return f"{full} of {limit:,} full trainings without a new best"
    most, noise = format_number(spent.gain.most), format_number(spent.gain.noise)
    return (
        f"{full} full trainings without a new best, and any other is expected to gain {most} at "
        f"most, less than a fifth of the noise, {noise}"
    )


def _is_as_good(best: float | None, target: float, direction: str) -> bool:
    sign = sign_of(direction)
    return best is not None and sign * best <= sign * target
