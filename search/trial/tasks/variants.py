"""The far values of the searched paths: from each of them everything is built once, and what that
tells is kept."""

from __future__ import annotations

import random
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.utilities.seed import isolate_rng

from search.errors import UserError
from search.layout import TrialFolder
from search.messages import KILLED
from search.plain.tree import ARGUMENTS, Tree
from search.study_file.trial_config import LightningSections, Variant
from search.trial.building.build import Built, build, has_batch_norm
from search.trial.building.importing import in_words
from search.trial.building.strategies import trainer_of_trials
from search.trial.inspection.dead_paths import Consumption
from search.trial.process.failures import cause_of

# in the words of Python and Lightning, where a module or a callback needs another logger than csv
_WANTS_LOGGER = (
    "'ExperimentWriter' object has no attribute",
    "'NoneType' object has no attribute 'experiment'",
    "that has no logger",
    "Trainer(logger=False)",
)


@dataclass(frozen=True)
class TriedVariants:
    """What the far values make."""

    # complete lines; where there is one, the rest says nothing
    problems: tuple[str, ...] = ()
    # the paths whose value changes how much memory a batch takes
    memory_paths: tuple[str, ...] = ()
    # the paths whose value changes the names or the shapes of the model's state
    reshaping_paths: tuple[str, ...] = ()
    # the Trainers that trials can have, each with its arguments
    trainers: tuple[tuple[Trainer, Tree], ...] = ()
    # a model among them has a layer of batch norm
    has_batch_norm: bool = False


@dataclass
class _Kept:
    """What is kept of all that was built."""

    # a number with a decimal point is among the values of these
    decimal_paths: frozenset[str]
    consumption: Consumption = field(default_factory=Consumption)
    # of each path, for each value
    shapes: dict[str, list[list[object]]] = field(default_factory=dict)
    trainers: list[tuple[Trainer, Tree]] = field(default_factory=list)
    has_batch_norm: bool = False
    # of each path and value: what fails, None where nothing does
    outcomes: dict[str, list[tuple[object, str | None]]] = field(default_factory=dict)

    def note(self, variant: Variant) -> None:
        """Build everything of a variant."""
        path = variant.path
        built, trainer = build_with_trainer(variant.sections)
        self.consumption.note(path, variant.value, built)
        self.has_batch_norm |= has_batch_norm(built.model)
        # a script may give its Trainer whatever it is told
        if path.partition(".")[0] in ("trainer", ARGUMENTS):
            self.trainers.append((trainer, built.trainer_arguments))
        self.shapes.setdefault(path, []).append(_shapes(built.model))

    def changes_memory(self, path: str) -> bool:
        """True where a batch may take another amount of memory at another value of `path`.

        Numbers with a decimal point count only if they change the shape of the model; anything
        else inside model and data counts always, because it may change activations alone.
        """
        section, _, rest = path.partition(".")
        if section == "trainer":
            return rest in ("precision", "accelerator", "devices", "strategy")
        if section == "seed_everything":
            return False
        return path not in self.decimal_paths or self.reshapes(path)

    def reshapes(self, path: str) -> bool:
        """True where the model has another shape at another value of `path`."""
        first, *others = self.shapes[path]
        return any(shapes != first for shapes in others)


def try_variants(variants: Iterable[Variant], folder: TrialFolder) -> TriedVariants:
    """Build everything from each far value.

    The problems are each end of a range from which no trial can be built, else each path that
    changes nothing.
    """
    variants = list(variants)
    kept = _Kept(frozenset(each.path for each in variants if isinstance(each.value, float)))
    refused: dict[str, None] = {}
    for variant in variants:
        failed = None
        try:
            # of one seed, so that what differs is due to the value
            with isolate_rng(include_cuda=False):
                torch.manual_seed(0)
                numpy.random.seed(0)
                random.seed(0)
                kept.note(variant)
        except UserError as error:
            refused[str(error)] = None
            continue
        except Exception as error:
            if cause_of(error) == KILLED:
                raise
            traceback.print_exc()
            failed = in_words(error)
        kept.outcomes.setdefault(variant.path, []).append((variant.value, failed))
    failures = _failures(kept.outcomes, folder, variants)
    problems = [*refused, *failures] or list(kept.consumption.dead())
    if problems:
        return TriedVariants(tuple(problems))
    paths = dict.fromkeys(variant.path for variant in variants)
    return TriedVariants(
        memory_paths=tuple(path for path in paths if kept.changes_memory(path)),
        reshaping_paths=tuple(path for path in paths if kept.reshapes(path)),
        trainers=tuple(kept.trainers),
        has_batch_norm=kept.has_batch_norm,
    )


def build_with_trainer(sections: LightningSections) -> tuple[Built, Trainer]:
    """Build everything of a configuration once, with a Trainer.

    Raises:
        UserError: as `build`; anything else comes from the classes that are built.
    """
    built = build(sections)
    return built, trainer_of_trials(built)


def own_failure(text: str, folder: TrialFolder, sections: LightningSections) -> str:
    """The line for an error that no value of the space is to blame for."""
    remedy = ""
    if any(words in text for words in _WANTS_LOGGER):
        remedy = " Name the logger that it needs, as in logger: tensorboard."
    script = sections.script
    who = "the model or its data" if script is None else f"script: {script.name}"
    return f"{who} fails before any trial: {text.rstrip('.')}.{remedy} Its traceback: {folder.log}"


def _failures(
    outcomes: Mapping[str, list[tuple[object, str | None]]],
    folder: TrialFolder,
    variants: Sequence[Variant],
) -> Iterator[str]:
    """A line for each value that fails where another of its path does not; where every value
    fails, it is not the value's fault."""
    texts = [text for tried in outcomes.values() for _, text in tried if text is not None]
    to_blame = {
        path: [(value, text) for value, text in tried if text is not None]
        for path, tried in outcomes.items()
        if any(text is None for _, text in tried)
    }
    blamed = {
        text: f"{path}: {value!r} cannot be built: {text}"
        for path, failed in to_blame.items()
        for value, text in failed
    }
    yield from blamed.values()
    if texts and not blamed:
        yield own_failure(texts[0], folder, variants[0].sections)


def _shapes(model: LightningModule) -> list[object]:
    """The shape of each tensor; of one in a lazy layer, which its first batch will decide on, the
    whole numbers that the layer was made with."""
    return [
        (name, _whole_numbers(module) if torch.nn.parameter.is_lazy(tensor) else tensor.shape)
        for name, module in model.named_modules()
        for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False))
    ]


def _whole_numbers(module: torch.nn.Module) -> list[object]:
    return [each for each in vars(module).items() if isinstance(each[1], int | tuple)]
