"""Scripts of the user's own, driven to their fit several times in one process."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from search.errors import UserError
from search.study_file.trial_config import ScriptRun
from search.trial.building.script import reach_fit, run_script
from search.trial.building.script_drive import ReachedFit
from search.trial.building.script_process import as_it_was

pytestmark = pytest.mark.real

MODEL = """
import torch
import lightning.pytorch as pl

class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
    def training_step(self, batch, index):
        return self.layer(batch).mean()
    def train_dataloader(self):
        return torch.utils.data.DataLoader(torch.ones(8, 2), batch_size=2)
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)

def trainer(**given):
    return pl.Trainer(accelerator="cpu", max_epochs=1, **given)
"""

Write = Callable[[str], ScriptRun]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write a script that has the model, and look at it from its folder."""
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> ScriptRun:
        Path("train.py").write_text(MODEL + text)
        return ScriptRun(path="train.py", folder=tmp_path / "trial")

    (tmp_path / "trial").mkdir()
    with as_it_was():
        # an attempt has none yet; another test here may have chosen one
        multiprocessing.set_start_method(None, force=True)
        yield write


@pytest.mark.parametrize(
    "text",
    [
        "import os; os.chdir('/')",
        "import multiprocessing; multiprocessing.set_start_method('spawn')",
        "from omegaconf import OmegaConf as Conf; Conf.register_new_resolver('twice', abs)",
        "import os; assert 'GONE' not in os.environ; os.environ['GONE'] = '1'",
        "import sys; assert len(sys.argv) == 1; sys.argv.append('more')",
        "assert torch.ones(1).dtype == torch.float32; torch.set_default_dtype(torch.float64)",
    ],
)
def test_each_look_begins_as_the_first(script: Write, text: str) -> None:
    run = script(f"{text}\ntrainer().fit(Net())")
    for _ in range(2):
        assert type(reach_fit(run, {}).model).__name__ == "Net"


def test_process_is_as_it_was(script: Write, tmp_path: Path) -> None:
    before = sys.modules["__main__"], list(sys.argv), Path.cwd()
    run = script(
        "import os; os.chdir('/'); torch.set_default_dtype(torch.float64)\ntrainer().fit(Net())"
    )
    with as_it_was():
        reach_fit(run, {})
    assert torch.get_default_dtype() == torch.float32
    assert (sys.modules["__main__"], sys.argv, Path.cwd()) == before


def test_annotations_of_a_script_are_what_python_makes_of_them(script: Write) -> None:
    run = script(
        "import dataclasses\n"
        "@dataclasses.dataclass\nclass Options:\n    lr: float = 0.1\n"
        "assert dataclasses.fields(Options)[0].type is float\n"
        "trainer().fit(Net())"
    )
    assert reach_fit(run, {}).loaders == {}


def test_trainer_keeps_what_the_script_set_on_it(script: Write) -> None:
    run = script(
        "made = trainer()\nmade.limit_train_batches = 3\nmade.fit_loop.max_epochs = 7\n"
        "made.fit(Net())"
    )
    seen: list[tuple[float, int | None]] = []

    def look(reached: ReachedFit) -> None:
        seen.append((reached.trainer.limit_train_batches, reached.trainer.max_epochs))

    run_script(run, {}, look)
    assert seen == [(3, 7)]


def test_objects_of_a_trainer_serve_each_look(script: Write) -> None:
    run = script(
        "from lightning.pytorch.strategies import SingleDeviceStrategy\n"
        "trainer(strategy=SingleDeviceStrategy(device='cpu')).fit(Net())"
    )
    reached = reach_fit(run, {})
    for _ in range(2):
        reached.make_again(**reached.arguments)


def test_script_that_catches_everything_does_not_train_on(script: Write) -> None:
    run = script(
        "made = []\n"
        "for fold in range(3):\n"
        "    try:\n        trainer().fit(Net())\n"
        "    except BaseException:\n        made.append(fold)\n"
        "    open(f'fold{fold}', 'w').close()\n"
    )

    def fail(reached: ReachedFit) -> None:
        raise UserError("pruned, say")

    with pytest.raises(UserError, match="pruned, say"):
        run_script(run, {}, fail)
    assert sorted(Path().glob("fold*")) == [Path("fold0"), Path("fold1"), Path("fold2")]
    assert not list(Path().rglob("*.ckpt"))


def test_more_fits_than_were_counted_are_told(script: Write) -> None:
    run = script("for fold in range(2):\n    trainer().fit(Net())")
    run = ScriptRun(path=run.path, folder=run.folder, fit=1, fits=1)
    with pytest.raises(UserError, match=r"had 1 fit when it was checked, and has more here"):
        run_script(run, {}, lambda reached: None)


def test_module_of_a_package_that_fails_says_why(tmp_path: Path, script: Write) -> None:
    script("")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack/__init__.py").write_text("import not_there_at_all")
    (tmp_path / "pack/train.py").write_text("")
    sys.path.insert(0, str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        reach_fit(ScriptRun(module="pack.train", folder=tmp_path / "trial"), {})
