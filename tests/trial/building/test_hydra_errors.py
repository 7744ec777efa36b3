"""Scripts of Hydra's whose configuration cannot be composed, or asks for several jobs."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.errors import UserError
from search.study_file.trial_config import ScriptRun
from search.trial.building.hydra_errors import told_by_hydra
from search.trial.building.script import reach_fit
from search.trial.building.script_process import as_it_was

pytestmark = pytest.mark.real

SCRIPT = """
import hydra
from lightning.pytorch import Trainer
from lightning.pytorch.demos.boring_classes import BoringModel

@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    print(cfg.note, cfg.model.lr)
    Trainer(accelerator="cpu", max_epochs=1, logger=False).fit(BoringModel())

main()
"""
CONFIGS = {
    "config.yaml": "defaults: [_self_, model: small]\nnote: null\nseed: 1\n",
    "sweeps.yaml": "defaults: [config, _self_]\n"
    "hydra: {mode: MULTIRUN, sweeper: {params: {seed: '1,2'}}}",
    "plugin.yaml": "defaults: [config, override hydra/launcher: cluster]",
    "hydra/launcher/cluster.yaml": "_target_: hydra_plugins.nowhere.Launcher",
    "model/small.yaml": "lr: 0.1\nwidth: 8\n",
    "model/large.yaml": "lr: 0.1\nwidth: 64\n",
}
ITSELF = "script: train.py"
REMEDY = "Correct it there, or in arguments and space."
SEVERAL = (
    "runs several jobs, since hydra.mode is MULTIRUN, and a trial is one. Add hydra: {overrides: "
    "[hydra.mode=RUN]}, and search what it sweeps over."
)


@pytest.fixture(autouse=True)
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A script with its configuration, in a folder of its own."""
    for name, text in CONFIGS.items():
        path = tmp_path / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "trial").mkdir()
    monkeypatch.chdir(tmp_path)
    with as_it_was():
        yield


def script(*overrides: str, **arguments: object) -> ScriptRun:
    """The script with overrides, and with arguments by their names."""
    return ScriptRun(
        path="train.py", overrides=overrides, arguments=arguments, folder=Path("trial").absolute()
    )


@pytest.mark.parametrize(
    ("overrides", "arguments", "told"),
    [
        (
            (),
            {"model.rate": 0.1},
            "arguments.model.rate: the configuration of train.py has no model.rate. It may be lr, "
            "width. To add it, write +model.rate.",
        ),
        (
            (
                "a=1",
                "modle.lr=3",
            ),
            {},
            "hydra.overrides: the configuration of train.py has no a. It may be note, seed, model. "
            "To add it, write +a.",
        ),
        (
            ("modle.lr=3",),
            {},
            "hydra.overrides: the configuration of train.py has no modle.lr. Did you mean model? "
            "To add it, write +modle.lr.",
        ),
        (
            (),
            {"--config-name": "konfig"},
            "arguments.--config-name: Cannot find primary config 'konfig'. Correct its name.",
        ),
        (
            (),
            {"model": "medium"},
            "arguments.model: the group model has no option medium. It may be large, small.",
        ),
        (
            ("+model@other=medium",),
            {},
            "hydra.overrides: the group model has no option medium. It may be large, small.",
        ),
        (
            ("note=${nowhere.at}",),
            {},
            "hydra.overrides: note cannot be resolved: Interpolation key 'nowhere.at' not found "
            f"(train.py, line 8). {REMEDY}",
        ),
        (
            (),
            {"model.lr": "???"},
            "arguments.model.lr: model.lr has no value but ???, and the script reads it (train.py, "
            "line 8). Write arguments: {model.lr: ...}, or search it.",
        ),
        (
            ("note={a",),
            {},
            "hydra.overrides: Hydra cannot read note={a: no viable alternative at input '{a'. "
            "Write key=value, and a text with signs in quotes: note='a, b'.",
        ),
        (
            ("note=1,2",),
            {},
            "hydra.overrides: note=1,2 makes Hydra run several jobs, and a trial is one. Search "
            "it, or put the text into quotes.",
        ),
        (
            ("hydra.job.chdir=maybe",),
            {},
            "hydra.overrides: hydra.job.chdir=maybe is refused: Value 'maybe' is not a valid bool "
            f"(type str). {REMEDY}",
        ),
        (
            ("~nothing",),
            {},
            f"{ITSELF}: Hydra composes no configuration: Could not delete from config. 'nothing' "
            f"does not exist. {REMEDY}",
        ),
        ((), {"--config-name": "sweeps"}, f"{ITSELF} {SEVERAL}"),
        (("++hydra.mode=MULTIRUN",), {}, f"{ITSELF} {SEVERAL}"),
    ],
)
def test_configuration_that_makes_no_trial_is_told_in_one_line(
    overrides: tuple[str, ...], arguments: dict[str, object], told: str
) -> None:
    with pytest.raises(UserError) as refused:
        reach_fit(script(*overrides, **arguments), {})
    assert str(refused.value) == told


@pytest.mark.parametrize(
    ("overrides", "arguments"),
    [
        (("hydra.mode=RUN",), {"--config-name": "sweeps"}),
        # a launcher's plugin is not even imported
        ((), {"--config-name": "plugin"}),
        ((), {"+sizes": [1, [2, "a,b"], {"c": None}]}),
    ],
)
def test_one_job_is_run_whatever_would_launch_several(
    overrides: tuple[str, ...], arguments: dict[str, object]
) -> None:
    run = script(*overrides, **arguments)
    assert type(reach_fit(run, {}).model).__name__ == "BoringModel"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("OmegaConf.resolve(cfg)", "Interpolation key 'nowhere.at' not found"),
        ("list(OmegaConf.create(['???']))", "Missing value at index 0"),
    ],
)
def test_configuration_that_cannot_be_resolved_as_a_whole(words: str, told: str) -> None:
    path = Path("train.py")
    path.write_text(
        path.read_text().replace("print(", f"from omegaconf import OmegaConf; {words}; (")
    )
    with pytest.raises(UserError) as refused:
        reach_fit(script("note=${nowhere.at}"), {})
    assert str(refused.value) == (
        f"{ITSELF}: the configuration cannot be resolved: {told} (train.py, line 8). {REMEDY}"
    )


def test_folder_of_the_configuration_that_is_not_there_is_named() -> None:
    path = Path("train.py")
    path.write_text(path.read_text().replace('"conf"', '"config"'))
    with pytest.raises(UserError) as refused:
        reach_fit(script(), {})
    assert str(refused.value) == (
        f"{ITSELF}: Primary config directory '{Path('config').absolute()}' not found. Correct its "
        "path."
    )


def test_file_of_the_users_own_that_is_called_hydra_tells_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    importlib.import_module("omegaconf")
    Path("hydra.py").touch()
    spec = importlib.util.spec_from_file_location("hydra", Path("hydra.py").absolute())
    assert spec is not None
    monkeypatch.setitem(sys.modules, "hydra", importlib.util.module_from_spec(spec))
    monkeypatch.delitem(sys.modules, "hydra.errors", raising=False)
    assert told_by_hydra(KeyError("mine"), script()) is None


def test_error_of_the_script_itself_is_left_as_it_is() -> None:
    path = Path("train.py")
    path.write_text(path.read_text().replace("print(", "raise KeyError("))
    with pytest.raises(KeyError):
        reach_fit(script(), {})
