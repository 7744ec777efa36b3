"""What a checkpoint cannot hold: refused before the study, and no trial is lost to it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from conformance.kinds import Kind, lightning
from conformance.trials import Cut, CutLink, config_of, end_state, same, trained, work_beside_kinds

from search.layout import TrialFolder
from search.study_file.trial_config import TrialConfig
from search.trial.attempt import fit
from search.trial.building.loading import load_model
from search.trial.inspection.resumption import resumption_note
from search.trial.tasks import finished
from search.trial.tasks.check import check

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    work_beside_kinds(monkeypatch, tmp_path)


def config(model: str, **more: Any) -> TrialConfig:
    module = model if "." in model else f"state.{model}"
    return config_of(Kind("modules", model, f"kinds.{module}", **more))


def test_what_no_checkpoint_can_hold_is_refused_before_any_trial(tmp_path: Path) -> None:
    found = check(config("SavesThing"), TrialFolder(tmp_path))
    assert found.problems == (
        "model: its checkpoint cannot hold checkpoint['things']['one'][0], of the class Thing. "
        "Save its numbers and texts in place of the object.",
    )


@pytest.mark.parametrize(
    ("model", "arguments"),
    [("SavesThing", {"first": 3}), ("RefusesToLoad", {}), ("now_and_then.MadeOnFirstUse", {})],
)
def test_trial_that_cannot_go_on_begins_anew(
    tmp_path: Path, model: str, arguments: dict[str, Any]
) -> None:
    of_trial = config(model, init_args=arguments)
    whole = trained(of_trial, tmp_path / "whole")
    cut = trained(of_trial, tmp_path / "cut", cuts=(5,))
    assert (cut.value, cut.curve) == (whole.value, whole.curve)
    assert same(end_state(cut), end_state(whole))


def test_trial_whose_data_cannot_be_had_keeps_its_checkpoint(tmp_path: Path) -> None:
    of_trial = config("now_and_then.Unreachable")
    whole = trained(of_trial, tmp_path / "whole")
    folder = TrialFolder(tmp_path / "cut")
    folder.root.mkdir()
    folder.config.write_text(whole.folder.config.read_text())
    with pytest.raises(Cut):
        fit(folder, CutLink(4))
    kept = folder.last_ckpt.read_bytes()

    Path("unreachable").touch()
    with pytest.raises(RuntimeError, match="no data"):
        fit(folder, CutLink(None))
    assert folder.last_ckpt.read_bytes() == kept

    rest = CutLink(None)
    assert fit(folder, rest).value == whole.value
    # on from the last checkpoint, which may be some short epochs back
    assert rest.curve == {step: whole.curve[step] for step in range(min(rest.curve), 6)}
    assert 1 < min(rest.curve) <= 4


def test_fit_that_ends_with_its_first_epoch_has_nothing_to_go_on_from(tmp_path: Path) -> None:
    met = lightning("EarlyStopping", monitor="val_loss", stopping_threshold=1e9)
    of_trial = config("base.Base", trainer={"callbacks": [met]})
    assert resumption_note(of_trial, tmp_path) is None


def test_checkpoint_with_unsafe_hyperparameters_loads_everywhere(tmp_path: Path) -> None:
    criterion = {"criterion": {"class_path": "torch.nn.MSELoss"}, "width": 6}
    of_trial = config("Hyperparameters", init_args=criterion)
    trial = trained(of_trial, tmp_path / "study")
    path = trial.folder.best_ckpt
    assert torch.load(path, weights_only=True)["hyper_parameters"] == {"lr": 0.05, "width": 6}

    plainly = sys.modules["kinds.state"].Hyperparameters.load_from_checkpoint(path)
    built = load_model(of_trial.sections, path, tmp_path)
    for model in (plainly, built):
        weights = torch.load(path, weights_only=True)["state_dict"]
        assert same(dict(model.state_dict()), dict(weights))
    assert type(built.hparams["criterion"]) is torch.nn.MSELoss
    assert finished.test(of_trial, trial.folder).problems == (
        "model: Hyperparameters has no test_step. Add one that logs what counts.",
    )


def test_best_checkpoint_has_the_weights_of_its_validation(tmp_path: Path) -> None:
    of_trial = config("ScalesAtEnd", trainer={"max_epochs": 2})
    trial = trained(of_trial, tmp_path / "study")
    model = load_model(of_trial.sections, trial.folder.best_ckpt, tmp_path)
    model.eval()
    losses = [model.loss(batch).item() for batch in model.val_dataloader()]
    assert sum(losses) / len(losses) == pytest.approx(trial.value)
