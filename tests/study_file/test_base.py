"""LightningCLI configurations under a study file: merged, laid over, searched, and written whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from search.errors import StudyFileError
from search.plain.whole_files import write_whole
from search.plain.yaml import dump_yaml
from search.study_file.differences import differences
from search.study_file.load import load_study_file
from search.study_file.rules import resolve_config
from search.study_file.schema import StudyFile

STUDY: dict[str, Any] = {
    "base": "config.yaml",
    "model": {"class_path": "models.Net"},
    "objective": {"metric": "val_loss"},
    "space": {"model.lr": {"float": [1e-3, 1e-1], "log": True}},
}
BASE: dict[str, Any] = {
    "seed_everything": 7,
    "trainer": {"max_epochs": 4, "default_root_dir": "runs", "callbacks": [{"class_path": "a.B"}]},
    "model": {"lr": 0.1, "encoder": {"class_path": "models.Wide", "init_args": {"width": 4}}},
    "optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.1}},
    "lr_scheduler": {
        "class_path": "torch.optim.lr_scheduler.StepLR",
        "init_args": {"step_size": 1},
    },
    "ckpt_path": None,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(dump_yaml(BASE))
    return tmp_path


def study(folder: Path, set_values: tuple[str, ...] = (), **changes: Any) -> StudyFile:
    path = folder / "study.yaml"
    path.write_text(dump_yaml({**STUDY, **changes}))
    return load_study_file(path, set_values=set_values)


def problems(folder: Path, **changes: Any) -> list[str]:
    with pytest.raises(StudyFileError) as caught:
        study(folder, **changes)
    return [line.removeprefix(f"{folder}/study.yaml: ") for line in caught.value.problems]


def test_own_sections_are_laid_over_the_base(folder: Path) -> None:
    given = study(folder, trainer={"max_epochs": 2}, lr_scheduler=None)
    assert given.trainer == {"max_epochs": 2, "callbacks": [{"class_path": "a.B"}]}
    assert given.optimizer == BASE["optimizer"]
    assert given.lr_scheduler is None
    assert given.trial_seed == 7


def test_bare_arguments_of_a_base_belong_to_the_class_that_the_study_file_names(
    folder: Path,
) -> None:
    given = study(folder, model={"class_path": "models.Net", "init_args": {"lr": 0.2}})
    encoder = BASE["model"]["encoder"]
    assert given.model == {
        "class_path": "models.Net",
        "init_args": {"lr": 0.2, "encoder": encoder},
    }


def test_several_bases_are_merged_in_order(folder: Path) -> None:
    (folder / "more").mkdir()
    later = {"trainer": {"max_epochs": 9}, "optimizer": {"init_args": {"momentum": 0.5}}}
    (folder / "more/later.yaml").write_text(dump_yaml(later))
    given = study(folder, base=["config.yaml", "more/later.yaml"])
    assert given.trainer["max_epochs"] == 9
    assert given.optimizer == {
        "class_path": "torch.optim.SGD",
        "init_args": {"lr": 0.1, "momentum": 0.5},
    }


def test_another_class_takes_none_of_the_arguments_of_the_first(folder: Path) -> None:
    given = study(folder, optimizer={"class_path": "torch.optim.Adam"})
    assert given.optimizer == {"class_path": "torch.optim.Adam"}


def test_configuration_of_several_subcommands_gives_its_fit(folder: Path) -> None:
    several = {"fit": BASE, "test": {"trainer": {"max_epochs": 1}}}
    (folder / "config.yaml").write_text(dump_yaml(several))
    assert study(folder).trainer["max_epochs"] == 4


def test_short_paths_go_through_every_class(folder: Path) -> None:
    given = study(
        folder,
        space={
            path: {"int": [1, 4]}
            for path in (
                "model.encoder.width",
                "optimizer.lr",
                "lr_scheduler.step_size",
                "trainer.callbacks.0.patience",
            )
        },
    )
    assert list(given.space) == [
        "model.init_args.encoder.init_args.width",
        "optimizer.init_args.lr",
        "lr_scheduler.init_args.step_size",
        "trainer.callbacks.0.init_args.patience",
    ]


def test_command_line_reaches_into_the_base(folder: Path) -> None:
    given = study(folder, set_values=("trainer.callbacks.0.init_args.patience=3",))
    assert given.trainer["callbacks"] == [{"class_path": "a.B", "init_args": {"patience": 3}}]


def test_stored_study_file_needs_no_base(folder: Path, tmp_path: Path) -> None:
    given = study(folder, cli="train:main", noise=0.1)
    write_whole(folder / "study.yaml", dump_yaml(given.to_tree()))
    (folder / "config.yaml").unlink()
    stored = load_study_file(folder / "study.yaml")
    assert stored == given
    assert differences(stored, given) == []


def test_changed_base_is_a_changed_study(folder: Path) -> None:
    before = study(folder, cli="train:main", noise=0.1)
    (folder / "config.yaml").write_text(dump_yaml(BASE | {"optimizer": None}))
    after = study(folder, cli="train:other", noise=0.2)
    assert differences(before, after) == [
        "optimizer: was {class_path: torch.optim.SGD, init_args: {lr: 0.1}}, is not set",
        "cli.name: was train:main, is train:other",
        "noise: was 0.1, is 0.2",
    ]


def test_cli_keeps_bare_arguments_and_gets_the_classes(folder: Path) -> None:
    given = study(folder, cli="train:MyCLI", space={"model.lr": {"float": [0.1, 1.0]}})
    assert given.cli is not None
    assert given.cli.model_dump() == {"name": "train:MyCLI", "model": "models.Net", "data": None}
    assert list(given.space) == ["model.lr"]
    config = resolve_config(given, {"model.lr": 0.5})
    assert config["model"] == {**BASE["model"], "lr": 0.5}


def test_sections_of_a_cli_are_kept_and_searched(folder: Path) -> None:
    given = study(folder, cli="train:main", noise=0.1, space={"noise": {"float": [0.1, 1.0]}})
    assert resolve_config(given, {"noise": 0.3})["noise"] == 0.3


def test_weights_are_found_beside_the_file_that_names_them(folder: Path) -> None:
    (folder / "first.ckpt").touch()
    assert study(folder, ckpt_path="first.ckpt").ckpt_path == str(folder / "first.ckpt")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"base": "confg.yaml"}, "base: {root}/confg.yaml: no such file. Did you mean {root}/config.yaml?"),
    ({"base": 5}, "base: must be a path or a list of paths, got 5. Write base: config.yaml."),
    ({"base": ["config.yaml", 5]}, "base: must be a path or a list of paths, got [config.yaml, 5]. Write base: config.yaml."),
    ({"base": ""}, "base: must be a path or a list of paths, got . Write base: config.yaml."),
    ({"base": "study.yaml"}, "base: study.yaml is this study file itself. Name a LightningCLI config."),
    ({"base": "more/../study.yaml"}, "base: more/../study.yaml is this study file itself. Name a LightningCLI config."),
    ({"base": "cyclic.yaml"}, "base: cyclic.yaml: base belongs in the study file, not in a LightningCLI config. Move it."),
    ({"base": "other.yaml"}, "base: other.yaml: objective belongs in the study file, not in a LightningCLI config. Move it."),
    ({"base": "list.yaml"}, "base: {root}/list.yaml: must be a mapping of sections, got [a]."),
    ({"base": "more"}, "base: {root}/more: is a folder. Name a study file in it."),
    ({"base": "tags.yaml"}, "base: {root}/tags.yaml: line 1: the tag tag:yaml.org,2002:python/name:os.system is not allowed. Use plain values."),
    ({"base": "unknown.yaml"}, "optimzer: no such key. Did you mean optimizer?"),
    ({"base": "old.yaml"}, "trainer.gpus: is gone from Lightning 2. Write accelerator: gpu and devices: 2."),
    ({"model": None}, "model: is missing. Add model: {{class_path: my_package.MyModule}}."),
    ({"base": "bare.yaml"}, "data: the base gives its arguments, but no class. Add data: {{class_path: my_package.MyClass}}, or the CLI that knows it: cli: train:main."),
    ({"optimizer": {"lr": 0.1}, "base": None}, "optimizer: must be a mapping with class_path and init_args, got {{lr: 0.1}}. Write optimizer: {{class_path: torch.optim.Adam, init_args: {{lr: 1e-3}}}}."),
    ({"optimizer": 5}, "optimizer: must be a mapping with class_path and init_args, got 5. Write optimizer: {{class_path: torch.optim.Adam, init_args: {{lr: 1e-3}}}}."),
    ({"optimizer": {"class_path": "torch.optim.SGD", "lr": 0.1}}, "optimizer: there is no lr. It may be class_path, init_args, dict_kwargs."),
    ({"lr_scheduler": {"init_args": {}}, "base": None}, "lr_scheduler: must be a mapping with class_path and init_args, got {{init_args: {{}}}}. Write lr_scheduler: {{class_path: torch.optim.lr_scheduler.StepLR, init_args: {{step_size: 10}}}}."),
    ({"ckpt_path": "nothing.ckpt"}, "ckpt_path: no such file, got nothing.ckpt. Name a checkpoint, or remove it."),
    ({"ckpt_path": "last"}, "ckpt_path: no such file, got last. Name a checkpoint, or remove it."),
    ({"ckpt_path": 5}, "ckpt_path: must be text, got 5. Write ckpt_path: weights.ckpt."),
    ({"weights_only": False}, "weights_only: must be true: nothing is unpickled from a checkpoint. Remove it."),
    ({"cli": "train.py"}, "cli: must be module:name, got train.py. Write cli: train:MyCLI."),
    ({"cli": "train:main()"}, "cli: must be module:name, got train:main(). Write cli: train:MyCLI."),
    ({"cli": 5}, "cli: must be module:name, got 5. Write cli: train:MyCLI."),
    ({"cli": {"model": "models.Net"}}, "cli.name: is missing. Add cli: train:MyCLI."),
    ({"cli": {"name": "train:main", "modle": "x"}}, "cli.modle: no such key. Did you mean model?"),
    ({"space": {"optimzer.lr": {"int": [1, 2]}}}, "space.optimzer.lr: begins with optimzer, which is no section of the study file. Did you mean optimizer?"),
    ({"space": {"optimizer.lr": {"int": [1, 2]}}, "base": None}, "space.optimizer.lr: there is no section optimizer. Add it, or search the model."),
    ({"space": {"optimizer": {"int": [1, 2]}}}, "space.optimizer: names a whole section. Search a value inside, such as optimizer.init_args.lr."),
    ({"space": {"objective.metric": {"choice": ["a", "b"]}}, "cli": "train:main"}, "space.objective.metric: begins with objective, which is no section of the study file. It may be model, data, trainer, optimizer, lr_scheduler, seed_everything."),
    ({"space": {"model.lr": {"int": [1, 2]}, "model.init_args.lr": {"int": [1, 2]}}}, "space.model.init_args.lr: is the same path as model.init_args.lr. Keep one of them."),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "line"), WRONG, ids=[line[:60] for _, line in WRONG])
def test_mistake_gets_its_line(folder: Path, changes: dict[str, Any], line: str) -> None:
    (folder / "more").mkdir()
    for name, text in {
        "cyclic": "base: study.yaml\n",
        "other": "objective: {metric: a}\n",
        "list": "- a\n",
        "tags": "a: !!python/name:os.system x\n",
        "unknown": "optimzer: {class_path: a.B}\n",
        "bare": "data: {batch_size: 8}\n",
        "old": "trainer: {gpus: 2}\n",
    }.items():
        (folder / f"{name}.yaml").write_text(text)
    assert line.format(root=folder) in problems(folder, **changes)
