"""Strategies that no trial can use: one line before any trial, which names the one at fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from search.errors import UserError
from search.study_file.trial_config import LightningSections
from search.trial.building.build import build
from search.trial.building.strategies import trainer_of_trials

SPAWNING = ["ddp_spawn", "ddp_fork", "ddp_notebook", "ddp_spawn_find_unused_parameters_true"]


def trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strategy: Any, **more: Any) -> Any:
    (tmp_path / "plain.py").write_text(
        "import pytorch_lightning as pl\n\n\nclass Plain(pl.LightningModule):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    arguments = {"accelerator": "cpu", "devices": 2, "strategy": strategy, **more}
    sections = LightningSections(model={"class_path": "plain.Plain"}, trainer=arguments)
    return trainer_of_trials(build(sections))


@pytest.mark.parametrize("strategy", SPAWNING)
def test_strategy_that_starts_its_ranks_within_a_process_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strategy: str
) -> None:
    with pytest.raises(UserError) as caught:
        trainer(tmp_path, monkeypatch, strategy)
    assert str(caught.value) == (
        f"trainer.strategy: must start every rank as a process of its own, got {strategy}, which "
        "cannot take along what reports to the study. Use ddp, which trains the same."
    )


def test_strategy_given_as_an_object_is_refused_by_its_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawning = {
        "class_path": "pytorch_lightning.strategies.DDPStrategy",
        "init_args": {"start_method": "spawn"},
    }
    with pytest.raises(UserError, match="got DDPStrategy, which cannot take along"):
        trainer(tmp_path, monkeypatch, spawning)


@pytest.mark.parametrize(
    "strategy",
    ["fsdp", "fsdp_cpu_offload", "deepspeed_stage_2", "xla", "single_xla", "dp", "ddq"],
)
def test_strategy_that_this_machine_has_not_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strategy: str
) -> None:
    with pytest.raises(UserError) as caught:
        trainer(tmp_path, monkeypatch, strategy)
    text = str(caught.value)
    assert text.startswith(f"trainer.strategy: {strategy} cannot be used here: ")
    assert text.endswith(". Name another, such as ddp, or leave it out.")
    assert "\n" not in text


def test_trainer_that_fails_with_any_strategy_is_not_blamed_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Exception, match="max_epochs") as caught:
        trainer(tmp_path, monkeypatch, "ddp", max_epochs=-5)
    assert not isinstance(caught.value, UserError)


def test_strategy_of_nothing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"trainer\.strategy: null cannot be used here: "):
        trainer(tmp_path, monkeypatch, None)


@pytest.mark.parametrize("strategy", ["ddp", "auto"])
def test_strategy_that_can_be_used_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strategy: str
) -> None:
    assert trainer(tmp_path, monkeypatch, strategy).num_devices == 2
