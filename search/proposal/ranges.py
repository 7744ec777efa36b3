"""The ranges that an expert would choose for an argument by its name, type and default.

A table of rules, first match wins; what no rule knows is left alone, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from search.answers import (
    BOOL,
    CHOICE,
    FLOAT,
    INT,
    OPTIMIZER_CALLABLE,
    TEXT,
    Argument,
)
from search.plain.equality import is_number
from search.space.distributions import Categorical, Distribution, FloatRange, Hinted, IntRange
from search.space.notation import parse_distribution


@dataclass(frozen=True)
class Proposal:
    """The way to treat one argument.

    distribution: where to search; None leaves the argument alone.
    why: the reason, for the reader of the proposed file.
    is_offered: the distribution is written down, but commented out.
    is_known: a rule knows the argument by its name.
    """

    argument: Argument
    distribution: Distribution | None
    why: str
    is_offered: bool = False
    is_known: bool = True


_NOT_LEARNT = "changes nothing that is learnt"
_LEFT_ALONE: tuple[tuple[str, str], ...] = (
    (
        r"pretrained(_.*)?|.*_pretrained|weights|(.*_)?name_or_path|(.*_)?(ckpt|checkpoint)(_.*)?",
        "is loaded from elsewhere: set it yourself",
    ),
    (r"(eval|val|valid|validation|test|predict)_?batch_size", _NOT_LEARNT),
    (r"(n|num)_(workers|threads|gpus|devices)|.*workers|pin_memory|prefetch_factor", _NOT_LEARNT),
    (r"verbose|verbosity|debug|download|progress.*|log_.*|.*_log|.*_every_n_.*", _NOT_LEARNT),
    (r"foreach|fused|capturable|differentiable|compile|deterministic|devices?|strict", _NOT_LEARNT),
    (r"(.*_)?(dir|path|root|file|folder|url|port|host)|name", _NOT_LEARNT),
    (
        r"(run|exp|experiment|project|file|log|logger|version|class|user|host|metric|monitor|"
        r"dataset|data|column|feature|target|label|task|study)_names?",
        _NOT_LEARNT,
    ),
    (r"(use_)?(gpu|cuda|tpu|amp)|(save|plot|show|print|return|log|store)_.*", _NOT_LEARNT),
    (r"batch_first|channels_last|(.*_)?(dtype|device)", "the data and the machine fix it"),
    (r"(.*_)?seed|random_state|(.*_)?fold", "luck is not to be searched"),
    (
        r"(val|valid|validation|test|train|holdout|split)_?"
        r"(split|size|ratio|fraction|frac|part|percent|length)",
        "decides what trials are judged by",
    ),
    (
        r"(in|input|out|output|target|image|img|vocab|seq|max_seq|num_seq)(_.*)?"
        r"|(n|num)_(classes|labels|outputs|inputs|targets|features|tokens|channels|samples)"
        r"|features|classes|channels_in|channels_out|vocabulary_size|sequence_length",
        "the data fixes it",
    ),
    (r"(adam_)?eps(ilon)?", "guards a division, nothing more"),
    (r"maximize", "turns the training upside down"),
    (r".*epochs?|(max|total|num)_(steps|iters|iterations)|t_max|patience", "a matter of time"),
)

_PART_OF_A_LOSS = re.compile(
    r"(.*_)?(temperature|margin|weight|coef|coeff|lambda|alpha|beta|scale|std|sigma|noise)(_.*)?"
)

# texts that choose what is trained on, and what is minimized
_OF_THE_DATA = re.compile(
    r"(.*_)?(dataset|data|split|stage|subset|task|phase|mode|fold|metric)(_.*)?"
)
_OF_THE_LOSS = re.compile(r"(.*_)?(loss|criterion|objective|reduction)(_.*)?")
# probabilities, shares and quantiles
_OF_ONE = re.compile(
    r"(.*_)?(p|prob|probability|ratio|rate|frac|fraction|percent|percentage|share|quantile|"
    r"threshold|mask|mixup|cutmix|keep|confidence)(_.*)?"
    r"|eps(ilon)?_(start|end|begin|final|min|max|greedy.*)"
)

# gives None where the default says that something else is meant
Maker = Callable[[Argument], tuple[Distribution, str] | None]


def _learning_rate(argument: Argument) -> tuple[Distribution, str]:
    default = _positive(argument)
    if default is None:
        return FloatRange(1e-5, 1e-1, log=True), "a learning rate: by its logarithm"
    low, high = _rounded(default / 100), _rounded(max(min(default * 100, 1.0), default))
    return FloatRange(low, high, log=True), (
        f"a learning rate: by its logarithm, two decades around {default:g}"
    )


def _weight_decay(argument: Argument) -> tuple[Distribution, str]:
    default = _positive(argument) or 1e-3
    low, high = min(1e-6, default / 10), max(1e-1, default)
    return FloatRange(low, high, log=True), "a penalty on weights: by its logarithm"


def _within(low: float, high: float, why: str) -> Maker:
    """A range below 1 that holds the default too, however unusual that is."""

    def make(argument: Argument) -> tuple[Distribution, str] | None:
        default = _positive(argument) or low
        if default > 1:
            return None
        return FloatRange(min(low, default), max(high, default)), why

    return make


def _decay(argument: Argument) -> tuple[Distribution, str]:
    """The part of an average that is kept from step to step: the rest counts by its logarithm."""
    default = _positive(argument) or 0.99
    if default >= 1:
        default = 0.99
    left = 1 - default
    low, high = _rounded(max(1 - 10 * left, 0.5)), _rounded(1 - left / 10)
    return FloatRange(min(low, default), max(high, default)), "a decay: it stays below 1"


def _small_part(argument: Argument) -> tuple[Distribution, str]:
    default = min(_positive(argument) or 1e-2, 1.0)
    low, high = _rounded(default / 10), min(_rounded(default * 10), 1.0)
    return FloatRange(low, high, log=True), "a part of 1: by its logarithm"


def _width(argument: Argument) -> tuple[Distribution, str]:
    default = int(_positive(argument) or 128)
    if default >= 8 and default & (default - 1) == 0:
        sizes = (default // 4, default // 2, default, default * 2, default * 4)
        return Categorical(sizes), f"a width: powers of two around {default}"
    low, high = max(1, default // 4), default * 4
    return IntRange(low, high, log=True), f"a width: by its logarithm, around {default}"


def _depth(argument: Argument) -> tuple[Distribution, str]:
    default = int(_positive(argument) or 2)
    return IntRange(1, max(4, 2 * default)), "a depth: few are often enough"


def _heads(argument: Argument) -> tuple[Distribution, str]:
    default = int(_positive(argument) or 4)
    powers = [2**n for n in range(4)]
    return Categorical(
        tuple(sorted({*powers, default}))
    ), "heads: powers of two, which divide a width"


def _kernel(argument: Argument) -> tuple[Distribution, str]:
    default = int(_positive(argument) or 3)
    return Categorical(tuple(sorted({3, 5, 7, default}))), "a kernel: odd, so that it has a middle"


def _steps(argument: Argument) -> tuple[Distribution, str]:
    default = int(_positive(argument) or 100)
    return IntRange(max(1, default // 10), default * 10, log=True), "by its logarithm"


_SEARCHED: tuple[tuple[tuple[str, ...], str, Maker], ...] = (
    (
        (FLOAT,),
        r"(lr_|scheduler_)?gamma|.*decay_rate|(lr|learning_rate|scheduler)_(decay|factor|mult.*)",
        _within(0.5, 1.0, "a decay"),
    ),
    ((FLOAT,), r"(.*_)?(lr|learning_rate)(_.*)?|lr[a-z]?|eta", _learning_rate),
    (
        (FLOAT,),
        r"(.*_)?weight_decay|wd|l1|l2|(.*_)?(l1|l2)_(reg.*|lambda|weight|penalty|coef.*|strength)|"
        r"(.*_)?reg(ularization)?",
        _weight_decay,
    ),
    (
        (FLOAT,),
        r"(.*_)?(dropout|drop)(_.*)?|(.*_)?drop_?(path|rate|prob|p)",
        _within(0.0, 0.6, "a dropout: beyond 0.6 little is left"),
    ),
    ((FLOAT,), r"(bn|batch_?norm|norm)_momentum", _within(0.01, 0.5, "what a batch counts for")),
    (
        (FLOAT,),
        r"(ema|swa|ma|polyak|averaging|target|teacher)(_(decay|momentum|beta|rate|alpha))?"
        r"|(.*_)?ema_(decay|momentum|rate)|(moving_average|exponential)_decay",
        _decay,
    ),
    ((FLOAT,), r"tau|soft_update|(.*_)?polyak_tau", _small_part),
    ((FLOAT,), r"(.*_)?momentum", _within(0.5, 0.99, "a momentum")),
    ((FLOAT,), r"b(eta)?_?1", _within(0.8, 0.99, "the momentum of Adam")),
    ((FLOAT,), r"b(eta)?_?2", _within(0.9, 0.9999, "the memory of Adam for the size of gradients")),
    ((FLOAT,), r"(label_)?smoothing", _within(0.0, 0.2, "a smoothing: little is enough")),
    ((INT,), r"(.*_)?(n|num)_?heads?|(.*_)?heads", _heads),
    ((INT,), r"(.*_)?(layers?|depth|blocks?|stages)", _depth),
    ((INT,), r"(.*_)?kernel(_size)?", _kernel),
    (
        (INT,),
        r"(.*_)?(hidden|width|units|neurons|channels|filters|dim|dims|dimension|embed|embedding|"
        r"embedding_size|latent|bottleneck|planes|nodes|rank)(_.*)?|d_.*|(.*_)?(ff|mlp|model)_size|"
        r"(.*_)?(hidden|latent|embed|embedding|state)_?(size|units|features)|h?dim",
        _width,
    ),
    ((INT,), r"(.*_)?(warmup|step)(_steps|_size)?", _steps),
)


def propose(argument: Argument) -> Proposal:
    """The proposal for an argument."""
    name = argument.name.lower()
    if argument.is_linked:
        return Proposal(argument, None, "another argument sets it")
    if argument.instead is not None:
        return Proposal(argument, None, f"nothing reads it beside the section {argument.instead}")
    if argument.hint is not None:
        hinted = parse_distribution(argument.hint)
        assert not isinstance(hinted, Hinted)
        return Proposal(argument, hinted, "as its annotation says")
    if name in ("batch_size", "train_batch_size"):
        return _batch_size(argument)
    if argument.kind == TEXT and len(argument.choices) > 1:
        return _words(argument)
    for pattern, why in _LEFT_ALONE:
        if re.fullmatch(pattern, name):
            return Proposal(argument, None, why)
    for kinds, pattern, make in _SEARCHED:
        if argument.kind in kinds and re.fullmatch(pattern, name):
            made = make(argument)
            if made is not None:
                return Proposal(argument, *made)
    return _by_kind(argument)


def _words(argument: Argument) -> Proposal:
    """A text whose words the source knows."""
    name = argument.name.lower()
    if _OF_THE_DATA.fullmatch(name):
        return Proposal(argument, None, "decides what trials are judged by")
    choice = Categorical(argument.choices)
    if _OF_THE_LOSS.fullmatch(name):
        why = "each that the source knows: search it if the metric does not depend on it"
        return Proposal(argument, choice, why, is_offered=True)
    return Proposal(argument, choice, "each that the source knows")


def _by_kind(argument: Argument) -> Proposal:
    if argument.kind == BOOL:
        return Proposal(argument, Categorical((False, True)), "on or off", is_known=False)
    if argument.kind == CHOICE and len(argument.choices) > 1:
        return Proposal(argument, Categorical(argument.choices), "each that its type allows")
    if argument.kind in (FLOAT, INT) and (default := _positive(argument)) is not None:
        why = "nothing is known of it: search it if it matters"
        if _PART_OF_A_LOSS.fullmatch(argument.name.lower()):
            why = "search it if the metric does not depend on it, as a loss depends on its weights"
        wide = _wide(argument, default)
        return Proposal(argument, wide, why, is_offered=True, is_known=False)
    if argument.annotation == OPTIMIZER_CALLABLE:
        why = "makes the optimizer: give it {class_path: torch.optim.Adam} to search its lr"
        return Proposal(argument, None, why, is_known=False)
    why = {
        TEXT: "a text: list the words to choose from",
        FLOAT: "nothing is known of it: give it a range if it matters",
        INT: "nothing is known of it: give it a range if it matters",
    }.get(argument.kind, f"is {argument.annotation or 'of no type'}: search a value inside")
    return Proposal(argument, None, why, is_known=False)


def _wide(argument: Argument, default: float) -> Distribution:
    """A range around the default of a number that no rule knows."""
    if argument.kind == INT:
        return IntRange(max(1, int(default) // 4), int(default) * 4, log=True)
    if _OF_ONE.fullmatch(argument.name.lower()) and default <= 1:
        return FloatRange(0.0, 1.0)
    if 0.9 <= default < 1:
        return _decay(argument)[0]
    return FloatRange(_rounded(default / 10), _rounded(default * 10), log=True)


def _batch_size(argument: Argument) -> Proposal:
    default = int(_positive(argument) or 64)
    sizes = tuple(sorted({max(1, default // 2), default, default * 2}))
    return Proposal(
        argument,
        Categorical(sizes),
        "or let batch, below, find the largest that fits",
        is_offered=True,
    )


def _positive(argument: Argument) -> float | None:
    value = argument.value
    return value if is_number(value) and 0 < value < 2**40 else None


def _rounded(value: float) -> float:
    """The number without the digits that a division by ten leaves behind."""
    return float(f"{value:.6g}")
