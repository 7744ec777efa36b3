"""What only torch and the user's own classes can tell of a configuration, before any trial."""

from __future__ import annotations

import copy
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from users_modules import importable

from search.engine.preflight import check_config
from search.layout import TrialFolder
from search.study_file.load import load_study_file
from search.study_file.trial_config import LightningSections
from search.trial.building.build import build
from search.trial.tasks.check import check

PROJECT = Path(__file__).parents[2] / "projects/own_cli"
MODULES = {
    "broken": "import torch\n\nx = undefined_name\n",
    "syntax": "import torch\n\ndef f(:\n",
    "missing": "import torch\nimport no_such_package\n",
    "leaves": "import sys\nsys.exit('bye')\n",
    "guardless": "from pytorch_lightning.cli import LightningCLI\nLightningCLI()\n",
    "fails": (
        "import pytorch_lightning as pl\nclass Net(pl.LightningModule):\n"
        "    def __init__(self, width: int = 1):\n        raise ValueError('width of nothing')\n"
    ),
    "picky": (
        "import torch, pytorch_lightning as pl\nclass Net(pl.LightningModule):\n"
        "    def __init__(self, width: int = 1):\n"
        "        if width < 4: raise ValueError('too narrow')\n"
        "        super().__init__()\n        self.layer = torch.nn.Linear(1, 1)\n"
    ),
    "others": (
        "import lightning.pytorch as lp\nfrom pytorch_lightning.cli import LightningCLI\n"
        "class Data(lp.LightningDataModule): pass\nclass Plain: pass\n"
        "def nothing(): pass\n"
        "class Linked(LightningCLI):\n    def add_arguments_to_parser(self, parser):\n"
        "        parser.link_arguments('nope', 'model.lr')\n"
    ),
}
OWN = """\
base: config.yaml
cli: train:main
objective: {metric: val_loss}
space: {model.width: {int: [2, 8]}}
"""
NET = """\
model: {class_path: models.Net, init_args: {features: 3, batch_size: 8}}
data: {class_path: data.Noisy}
trainer: {max_epochs: 1, accelerator: cpu}
objective: {metric: val_loss}
space: {model.width: {int: [2, 8]}}
"""
SGD = NET + "optimizer: {class_path: torch.optim.SGD, init_args: {lr: 0.1}}\n"
STEPS = "lr_scheduler: {class_path: torch.optim.lr_scheduler.StepLR%s}\n"
NO_OPTIMIZER = (
    "model: Net has no configure_optimizers, and there is no section optimizer. "
    "Add optimizer: {class_path: torch.optim.Adam, init_args: {lr: 1e-3}}."
)


def calling_back(text: str) -> str:
    return SGD.replace("accelerator: cpu", f"accelerator: cpu, callbacks: [{{class_path: {text}}}]")


STOP = "pytorch_lightning.callbacks.EarlyStopping, init_args: {monitor: val_loss, %s}"
WRONG: list[tuple[str, str]] = [
    # the user's own CLI
    (OWN.replace("train:", "trian:"), "cli: cannot import trian:main: No module named 'trian'. Did you mean train:main?"),
    (OWN.replace(":main", ":mian"), "cli: train has no mian. Did you mean main?"),
    (OWN.replace("train:main", "others:Plain"), "cli: must be a subclass of LightningCLI or a function that makes one, got others:Plain. Name such a one, as in cli: others:MyCLI."),
    (OWN.replace("train:main", "others:nothing"), "cli: others:nothing made no LightningCLI. Name what makes one."),
    (OWN.replace("train:", "guardless:"), "cli: importing guardless runs its LightningCLI at guardless.py, line 2. Put that into a function under `if __name__ == '__main__':` and name it: cli: guardless:main."),
    (NET + "cli: others:Linked\n", 'the model or its data fails before any trial: ValueError: No action for key "nope". (others.py, line 8). Its traceback: {root}/log.txt'),
    (OWN + "nois: 1\n", "nois: no such argument. Did you mean noise?"),
    (OWN + "noise: loud\n", "noise: must be float, got loud. Write a number."),
    (OWN + "model: {widht: 3}\n", "model.widht: no such argument. Did you mean width?"),
    (OWN.replace("model.width", "model.widht"), "model.widht: no such argument. Did you mean width?"),
    (OWN.replace("model.width", "optimizer.lrr"), "optimizer.lrr: no such argument. Did you mean lr?"),
    (OWN + "trainer: {max_epoch: 3}\n", "trainer.max_epoch: no such argument. Did you mean max_epochs?"),
    (OWN + "trainer: {max_epochs: many}\n", "trainer.max_epochs: must be int or null, got many. Write a whole number."),
    (OWN + "trainer: {strategy: ddpp}\n", "trainer.strategy: there is no ddpp. Did you mean ddp?"),
    (OWN + "trainer: {accelerator: cuuda}\n", "trainer.accelerator: there is no cuuda. Did you mean cuda?"),
    (OWN + "trainer: {profiler: simpel}\n", "trainer.profiler: there is no simpel. Did you mean simple?"),
    (OWN + "trainer: {precision: 16-mix}\n", "trainer.precision: must be 64 or 32 or 16 or transformer-engine or transformer-engine-float16 or 16-true or 16-mixed or bf16-true or bf16-mixed or 32-true or 64-true or bf16, got 16-mix. Did you mean 16-mixed?"),
    # data
    (NET.replace("data: {class_path: data.Noisy}\n", "optimizer: {class_path: torch.optim.SGD, init_args: {lr: 0.1}}\n"), "data: is missing, and Net has no train_dataloader. Add data: {class_path: my_package.MyDataModule}, or write that method."),
    # optimizer and scheduler
    (NET, NO_OPTIMIZER),
    (NET + STEPS % ", init_args: {step_size: 1}", NO_OPTIMIZER),
    (SGD.replace("SGD", "SDG"), "optimizer.class_path: torch.optim has no SDG. Did you mean SGD?"),
    (SGD.replace("0.1", "fast"), "optimizer.init_args.lr: must be float or torch.Tensor, got fast. Write a number."),
    (SGD.replace("lr:", "lrr:"), "optimizer.init_args.lrr: no such argument. Did you mean lr?"),
    (SGD.replace("torch.optim.SGD", "torch.nn.Linear"), "optimizer: must be a subclass of Optimizer, got torch.nn.Linear. Name a class that derives from Optimizer."),
    (SGD + STEPS % ", init_args: {step: 1}", "lr_scheduler.init_args.step: no such argument. Did you mean step_size?"),
    (SGD + STEPS % "", "lr_scheduler.init_args.step_size: is required. Give it a value, or search it."),
    (SGD + "ckpt_path: config.yaml\n", "ckpt_path: {root}/config.yaml is no checkpoint that loads with weights_only=True. Name a checkpoint that Lightning wrote."),
    # callbacks and loggers
    (calling_back("pytorch_lightning.callbacks.EarlyStoping"), "trainer.callbacks.0.class_path: pytorch_lightning.callbacks has no EarlyStoping. Did you mean EarlyStopping?"),
    (calling_back("torch.nn.ReLU"), "trainer.callbacks: must be a subclass of Callback, got torch.nn.ReLU. Name a class that derives from Callback."),
    (calling_back(STOP % "patienc: 1"), "trainer.callbacks.init_args.patienc: no such argument. Did you mean patience?"),
    (calling_back(STOP % "patience: x"), "trainer.callbacks.init_args.patience: must be int, got x. Write a whole number."),
    # two packages
    (SGD.replace("data.Noisy", "others.Data"), "data.class_path: others.Data is of lightning.pytorch, but the model is of pytorch_lightning. Derive it from pytorch_lightning's LightningDataModule, or the model from lightning.pytorch's LightningModule."),
    # the user's own code
    (SGD.replace("models.", "broken."), "model.class_path: importing broken fails at broken.py, line 3: NameError: name 'undefined_name' is not defined. Correct it there."),
    (SGD.replace("models.", "syntax."), "model.class_path: importing syntax fails at syntax.py, line 3: SyntaxError: invalid syntax. Correct it there."),
    (SGD.replace("models.", "missing."), "model.class_path: importing missing fails at missing.py, line 2: ModuleNotFoundError: No module named 'no_such_package'. Correct it there."),
    (SGD.replace("models.", "leaves."), "model.class_path: importing leaves fails at leaves.py, line 2: SystemExit: bye. Correct it there."),
    (SGD.replace("data.Noisy", "broken.Data"), "data.class_path: importing broken fails at broken.py, line 3: NameError: name 'undefined_name' is not defined. Correct it there."),
    (OWN.replace("train:", "broken:"), "cli: importing broken fails at broken.py, line 3: NameError: name 'undefined_name' is not defined. Correct it there."),
    (SGD.replace("models.Net, init_args: {features: 3, batch_size: 8}", "fails.Net"), "the model or its data fails before any trial: ValueError: width of nothing (fails.py, line 4). Its traceback: {root}/log.txt"),
    (SGD.replace("models.Net, init_args: {features: 3, batch_size: 8}", "picky.Net").replace("space: {", "space: {trainer.gradient_clip_val: {float: [0.5, 1.0]}, "), "model.init_args.width: 2 cannot be built: ValueError: too narrow (picky.py, line 4)"),
    (SGD.replace("models.Net", "data.Noisy"), "model.class_path: must be a LightningModule, got data.Noisy. Derive the class from pytorch_lightning.LightningModule or lightning.pytorch.LightningModule."),
    (SGD.replace("data.Noisy", "models.Net"), "data: must be a subclass of LightningDataModule, got models.Net. Name a class that derives from LightningDataModule."),
    (SGD.replace("features: 3, ", ""), "model.init_args.features: is required. Give it a value, or search it."),
]  # fmt: skip


OTHER_STOP = STOP.replace("pytorch_lightning", "lightning.pytorch") % "patience: 1"
ROWS = "logger: {class_path: lightning.pytorch.loggers.CSVLogger, init_args: {save_dir: rows}}"
GOOD = {
    "own": OWN,
    "optimizer": SGD,
    # of the other Lightning package, which the model's has too
    "callback": calling_back(OTHER_STOP),
    "callback of an own CLI": OWN
    + "trainer: {callbacks: [{class_path: lightning.pytorch.callbacks.ModelSummary}]}\n",
    "logger": SGD.replace("accelerator: cpu", ROWS),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the project with modules that fail, first on the path as the server puts it."""
    root = tmp_path_factory.mktemp("own") / "project"
    shutil.copytree(PROJECT, root)
    for name, text in MODULES.items():
        (root / f"{name}.py").write_text(text)
    theirs = ("models", "data", "train", *MODULES)
    with importable(root, *theirs) as patch:
        patch.chdir(root)
        patch.setattr(sys, "argv", ["search", "folder"])
        yield root


def problems(root: Path, text: str) -> tuple[str, ...]:
    path = root / "study.yaml"
    path.write_text(text)
    return check(check_config(load_study_file(path)), TrialFolder(root)).problems


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("text", "line"), WRONG, ids=[line[:70] for _, line in WRONG])
def test_mistake_gets_its_line(project: Path, text: str, line: str) -> None:
    assert problems(project, text) == (line.replace("{root}", str(project)),)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_good_file_has_no_problem(project: Path, text: str) -> None:
    assert problems(project, text) == ()
    assert sys.argv == ["search", "folder"]


def test_trial_starts_from_the_weights_of_ckpt_path(project: Path, tmp_path: Path) -> None:
    arguments = {"features": 3, "batch_size": 8, "width": 2}
    config = LightningSections(model={"class_path": "models.Net", "init_args": arguments})
    weights = build(config).model.state_dict()
    torch.save({"state_dict": weights}, tmp_path / "first.ckpt")
    fresh = build(replace(config, ckpt_path=str(tmp_path / "first.ckpt"))).model.state_dict()
    assert all(torch.equal(fresh[name], weights[name]) for name in weights)
    other = build(config).model.state_dict()
    assert not torch.equal(other["layers.0.weight"], weights["layers.0.weight"])


def test_dict_kwargs_and_nested_classes_reach_the_model(project: Path) -> None:
    (project / "kind.py").write_text(
        "import pytorch_lightning as pl\nimport torch\nclass Net(pl.LightningModule):\n"
        "    def __init__(self, head: torch.nn.Module, **rest):\n        super().__init__()\n"
        "        self.head, self.rest = head, rest\n"
    )
    linear = {"class_path": "torch.nn.Linear", "init_args": {"in_features": 2, "out_features": 5}}
    section = {"class_path": "kind.Net", "init_args": {"head": linear}, "dict_kwargs": {"depth": 3}}
    stopping = {"class_path": "EarlyStopping", "init_args": {"monitor": "val_loss"}}
    config = LightningSections(model=section, trainer={"callbacks": [stopping]})
    before = copy.deepcopy(config)
    for _ in range(2):
        model = build(config).model
        assert model.head.out_features == 5
        assert model.rest == {"depth": 3}
    # a process may build one configuration twice
    assert config == before
