"""Every mistake in a study file gets one line: place, rule, what was given, remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from search.errors import StudyFileError
from search.study_file.load import load_study_file

GOOD = """\
model: {class_path: tiny.Tiny}
objective: {metric: val_loss}
space:
  model.init_args.lr: {float: [1e-3, 1e-1], log: true}
"""
LR = "model.init_args.lr: {float: [1e-3, 1e-1], log: true}"
SPACE = "space.model.init_args.lr"
NUMBERS = "Write a number; words and switches go into {choice: [...]}."
FINITE = "Write the largest or smallest value that you would try."
FORMS = "{float: [low, high]}, {int: [low, high]} or {choice: [...]}"


def problems(path: Path, text: str) -> list[str]:
    path.write_text(text)
    with pytest.raises(StudyFileError) as caught:
        load_study_file(path)
    lines = list(caught.value.problems)
    assert all("\n" not in line and line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


def searching(distribution: str) -> str:
    return GOOD.replace(LR, f"model.init_args.lr: {distribution}")


def along(path: str) -> str:
    return GOOD.replace("model.init_args.lr", path)


CASES: list[tuple[str, str]] = [
    # sections
    (GOOD + "seeds: 1\n", "seeds: no such key. Did you mean seed?"),
    (GOOD + "prunr: median\n", "prunr: no such key. Did you mean pruner?"),
    (GOOD.replace("objective: {metric: val_loss}\n", ""), "objective: is missing. Add objective: {metric: val_loss}."),
    (GOOD.replace("model: {class_path: tiny.Tiny}\n", ""), "model: is missing. Add model: {class_path: my_package.MyModule}."),
    (GOOD.split("space:", maxsplit=1)[0] + "space: {}\n", "space: must name at least one path to search, got none. Write space: {model.lr: {float: [1e-4, 1e-1], log: true}}."),
    (GOOD.split("space:", maxsplit=1)[0] + "space: 5\n", "space: must be a mapping, got 5. Write space: {model.lr: {float: [1e-4, 1e-1], log: true}}."),
    (GOOD.replace("{class_path: tiny.Tiny}", "tiny.Tiny"), "model: must be a mapping with class_path and init_args, got tiny.Tiny. Write model: {class_path: tiny.Tiny}."),
    (GOOD.replace("tiny.Tiny", "Tiny"), "model: class_path must be a full path like my_package.module.Class, got Tiny. Write model: {class_path: my_package.MyModule}."),
    (GOOD.replace("tiny.Tiny}", "tiny.Tiny, init_arg: {}}"), "model: there is no init_arg. Did you mean init_args?"),
    (GOOD.replace("tiny.Tiny}", "tiny.Tiny, init_args: 3}"), "model: init_args must be a mapping, got 3. Write init_args: {lr: 1e-3}."),
    (GOOD + "trainer: 7\n", "trainer: must be a mapping, got 7. Write trainer: {max_epochs: 20}."),
    # objective
    (GOOD.replace("metric: val_loss", "metrc: val_loss"), "objective.metric: is missing. Name a metric that the module logs, such as val_loss."),
    (GOOD.replace("metric: val_loss", "metric: 5"), "objective.metric: must be text, got 5. Write metric: val_loss."),
    (GOOD.replace("metric: val_loss", "metric: ''"), "objective.metric: must not be empty. Name a metric that the module logs."),
    (GOOD.replace("val_loss}", "val_loss, direction: minimise}"), "objective.direction: must be minimize or maximize, got minimise. Did you mean minimize?"),
    (GOOD.replace("val_loss}", "val_loss, value: final}"), "objective.value: must be best or last, got final. It may be best, last."),
    # ranges
    (searching("{float: [0.1, 0.001]}"), f"{SPACE}: low must be below high, got low=0.1, high=0.001. Swap them."),
    (searching("{float: [0.1, 0.1]}"), f"{SPACE}: low must be below high, got 0.1 twice. Put a single value into the section itself."),
    (searching("{float: [0, 1], log: true}"), f"{SPACE}: log needs a low above 0, got low=0. Raise it or drop log."),
    (searching("{float: [0.1, 1], log: true, step: 0.1}"), f"{SPACE}: log and step exclude each other, got both. Drop one."),
    (searching("{int: [2, 64], log: true, step: 2}"), f"{SPACE}: log and step exclude each other, got both. Drop one."),
    (searching("{float: [0.1]}"), f"{SPACE}: float must be [low, high], got [0.1]. Give both ends."),
    (searching("{float: 0.1}"), f"{SPACE}: float must be [low, high], got 0.1. Give both ends."),
    (searching("{float: [a, b]}"), f"{SPACE}: float takes numbers, got a. {NUMBERS}"),
    (searching("{float: [true, 2]}"), f"{SPACE}: float takes numbers, got true. {NUMBERS}"),
    (searching("{float: [.nan, 2]}"), f"{SPACE}: float takes finite numbers, got .nan. {FINITE}"),
    (searching("{float: [1, .inf]}"), f"{SPACE}: float takes finite numbers, got .inf. {FINITE}"),
    (searching("{int: [1.5, 4]}"), f"{SPACE}: int takes whole numbers, got 1.5. Write float for numbers with a point."),
    (searching("{int: [1, 4], step: 0}"), f"{SPACE}: step must be above 0 and no more than high - low, got 0. Write a step up to 3, or leave it out."),
    (searching("{int: [1, 4], step: 9}"), f"{SPACE}: step must be above 0 and no more than high - low, got 9. Write a step up to 3, or leave it out."),
    (searching("{float: [1, 4], log: 1}"), f"{SPACE}: log must be true or false, got 1. Write log: true."),
    (searching("{float: [1, 4], lg: true}"), f"{SPACE}: float takes log, step, when, prior, got lg. Did you mean log?"),
    (searching("{int: [0, 1000000000000000000]}"), f"{SPACE}: int takes numbers up to 9007199254740992, the largest that is held exactly, got 1000000000000000000. Use a smaller one, and scale it where it is used."),
    (searching("{float: [-1.5e+308, 1.5e+308]}"), f"{SPACE}: high - low must be at most 1.8e+308, got low=-1.5e+308, high=1.5e+308. Narrow the range."),
    (searching("{float: [0, 1e+300], step: 1}"), f"{SPACE}: step must make no more than 9007199254740992 steps, got 1. Raise it, or leave it out."),
    (searching("{flot: [1, 4]}"), f"{SPACE}: must be {FORMS}, got {{flot: [1, 4]}}. Did you mean float?"),
    (searching("{float: [1, 4], int: [1, 4]}"), f"{SPACE}: must be {FORMS}, got {{float: [1, 4], int: [1, 4]}}. Name one of the three."),
    (searching("[1, 4]"), f"{SPACE}: must be {FORMS}, got [1, 4]. Write {{float: [1, 4]}}, {{int: ...}} or {{choice: ...}}."),
    # choices
    (searching("{choice: 5}"), f"{SPACE}: choice must be a list, got 5. Write [a, b]."),
    (searching("{choice: []}"), f"{SPACE}: choice needs two values or more, got []. Add one."),
    (searching("{choice: [1]}"), f"{SPACE}: choice needs two values or more, got [1]. Add one."),
    (searching("{choice: [1, 1]}"), f"{SPACE}: choice must not repeat a value, got [1, 1]. Remove one."),
    (searching("{choice: [1, true]}"), f"{SPACE}: choice must not repeat a value, got [1, true]. Remove one."),
    (searching("{choice: [[1], [2]]}"), f"{SPACE}: choice takes numbers, words, true, false or null, got [1]. Search a plain value."),
    (searching("{choice: [1, 2], log: true}"), f"{SPACE}: choice takes when, prior, got log. Remove it."),
    (searching("{float: [1, 4], prior: 2}"), f"{SPACE}: prior must be low, medium, high or {{center: VALUE, confidence: low | medium | high}}, got 2. Name the center."),
    (searching("{float: [1, 4], prior: {centre: 2}}"), f"{SPACE}: prior takes center, confidence, got centre. Did you mean center?"),
    (searching("{float: [1, 4], prior: hihg}"), f"{SPACE}: prior must be low, medium, high or {{center: VALUE, confidence: low | medium | high}}, got hihg. Name the center."),
    (searching("{float: [1, 4], prior: {center: 2, sure: true}}"), f"{SPACE}: prior takes center, confidence, got sure. Remove it."),
    (searching("{float: [1, 4], prior: {center: 5}}"), f"{SPACE}: prior: center must be a number from 1 to 4, got 5. Name one of the values that are searched."),
    (searching("{choice: [a, b], prior: {center: c}}"), f"{SPACE}: prior: center must be a or b, got c. Name one of the values that are searched."),
    (searching("{float: [1, 4], prior: {center: 2, confidence: hihg}}"), f"{SPACE}: prior: confidence must be low, medium or high, got hihg. Did you mean high?"),
    # paths
    (along("modle.lr"), "space.modle.lr: begins with modle, which is no section of the study file. Did you mean model?"),
    (along("model"), "space.model: names a whole section. Search a value inside, such as model.init_args.lr."),
    (along("model.init_args"), "space.model.init_args: names a whole mapping. Search a value inside it."),
    (along("data.batch_size"), "space.data.init_args.batch_size: there is no section data. Add it, or search the model."),
    (along("model..lr"), "space.model.init_args..lr: is no dotted path. Write it as model.init_args.lr."),
    (along("trainer.logger"), "space.trainer.logger: cannot be searched: it changes nothing that is learnt."),
    (along("model.class_path.x"), "space.model.class_path.x: leads through model.class_path, which is a plain value. Name model.class_path itself, or make it a mapping."),
    (GOOD + "  model.lr: {choice: [1, 2]}\n", "space.model.lr: is the same path as model.init_args.lr. Keep one of them."),
    (along("trainer.callbacks.3.init_args.patience") + "trainer: {callbacks: []}\n", "space.trainer.callbacks.3.init_args.patience: trainer.callbacks is a list of 0, got 3. Use a number below that."),
    (along("model.batch_size") + "batch: {auto_scale: power}\n", "space.model.init_args.batch_size: is found by batch.auto_scale. Search it, or scale it; set batch.auto_scale: off to search it."),
    # batch, sampler, pruner, budget, seed, name
    (GOOD + "data: {class_path: x.Y, init_args: {batch_size: 4}}\nbatch: {auto_scale: power}\nderive: {trainer.accumulate_grad_batches: 8 // data.batch_size}\nconstraints: [trainer.accumulate_grad_batches < 3]\n", "constraints.0: data.init_args.batch_size is found by batch.auto_scale, once a trial is sampled. Limit it with batch.max, or set batch.auto_scale: off."),
    (GOOD + "batch: {auto_scale: true}\n", "batch.auto_scale: must be binsearch or power or off, got true. It may be binsearch, power, off."),
    (GOOD + "batch: {auto_scale: powr}\n", "batch.auto_scale: must be binsearch or power or off, got powr. Did you mean power?"),
    (GOOD + "batch: {max: 0}\n", "batch.max: must be at least 1, got 0. Write max: 64."),
    (GOOD + "batch: {size: 5}\n", "batch.size: no such key. It may be auto_scale, max, argument, effective, lr_scaling, reference, lr."),
    (GOOD + "sampler: tppe\n", "sampler: there is no tppe. Did you mean tpe?"),
    (GOOD + "sampler: 5\n", "sampler: must be a name, or a mapping with a name and options, got 5. Write sampler: tpe, or sampler: {name: tpe, n_startup_trials: 10}."),
    (GOOD + "pruner: {name: medan}\n", "pruner: there is no medan. Did you mean median?"),
    (GOOD + "budget: {trials: 0}\n", "budget.trials: must be at least 1, got 0. Write trials: 50."),
    (GOOD + "budget: {trials: many}\n", "budget.trials: must be a whole number, got many. Write trials: 50."),
    (GOOD + "budget: {trials: 5.0}\n", "budget.trials: must be a whole number, got 5.0. Write trials: 5."),
    (GOOD + "budget: {timeout: 3 weeks}\n", "budget.timeout: must be a duration above 0, got 3 weeks. Write 90s, 30m, 8h or 2d."),
    (GOOD + "budget: {epochs: 0}\n", "budget.epochs: must be at least 1, got 0. Write epochs: 500."),
    (GOOD + "budget: {cost: free}\n", "budget.cost: must be a duration above 0, got free. Write 90s, 30m, 8h or 2d."),
    (GOOD + "budget: {target: low}\n", "budget.target: must be a number, got low. Write target: 0.1."),
    (GOOD + "budget: {target: .nan}\n", "budget.target: must be a finite number, got .nan. Write target: 0.1."),
    (GOOD + "budget: {no_improvement: 2.5}\n", "budget.no_improvement: must be a whole number, got 2.5. Write no_improvement: 20."),
    (GOOD + "budget: {no_gain: 2.5}\n", "budget.no_gain: must be a whole number, got 2.5. Write no_gain: 4."),
    (GOOD + "scheduler: asha\nbudget: {no_gain: 4}\n", "budget.no_gain: scheduler: thaw alone knows what is left to gain, got asha. Write scheduler: thaw, or budget: {no_improvement: 20}."),
    (GOOD + "no_improvement: 20\n", "no_improvement: no such key. Write budget: {epochs: 500, cost: 4h, target: 0.1, no_improvement: 20}."),
    (GOOD + "seed: -1\n", "seed: must be at least 0, got -1. Write seed: 42."),
    (GOOD + "name: ../up\n", "name: must be letters, digits, _, - and dots, at most 100, beginning with a letter or digit, got ../up. Write name: my-study."),
    # spellings of older releases
    (GOOD + "trainer: {gpus: 2}\n", "trainer.gpus: is gone from Lightning 2. Write accelerator: gpu and devices: 2."),
    (GOOD + "trainer: {accelerator: dp}\n", "trainer.accelerator: dp is no accelerator. Write strategy: ddp (dp is gone)."),
    (GOOD + "trainer: {amp_backend: native}\n", "trainer.amp_backend: is gone from Lightning 2. Write precision: 16-mixed."),
    (GOOD + "trainer: {auto_select_gpus: true}\n", "trainer.auto_select_gpus: is given by the tool. Write nothing: each worker gets the GPU with most free memory."),
    (GOOD + "trainer: {auto_scale_batch_size: binsearch}\n", "trainer.auto_scale_batch_size: is given by the tool. Write batch: {auto_scale: binsearch} beside trainer."),
    # YAML
    ("", "is empty. Start from a shipped study file."),
    ("- a\n- b\n", "must be a mapping of sections, got [a, b]."),
    (GOOD + "seed: 1\nseed: 2\n", "line 6: the key seed stands here twice."),
    (GOOD + "x: !!python/object/apply:os.system [ls]\n", "line 5: the tag tag:yaml.org,2002:python/object/apply:os.system is not allowed. Use plain values."),
    (GOOD + "x: &a 1\ny: *a\n", "line 6: aliases are not supported. Write the value out."),
    ("model:\n\tclass_path: x\n", "line 2: a tab stands where only spaces may indent."),
    ("a: [1, 2\n", "line 2: expected ',' or ']', but got '<stream end>'."),
    ("a: " + "[" * 60 + "]" * 60 + "\n", "line 1: is nested too deep or too large."),
    ("x: " + "y" * (4 << 20) + "\n", "is larger than 4 MiB. A study file is short."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line"), CASES, ids=[line[:60] for _, line in CASES])
def test_mistake_gets_its_line(tmp_path: Path, text: str, line: str) -> None:
    assert line in problems(tmp_path / "study.yaml", text)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = along("modle.lr") + "sampler: tppe\nbudget: {trials: 0}\ntrainer: {gpus: 1}\n"
    assert len(problems(tmp_path / "study.yaml", text)) == 4


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("studdy.yaml", "no such file. Did you mean {root}/study.yaml?"),
        ("folder", "is a folder. Name a study file in it."),
        ("latin.yaml", "is no UTF-8 text. Save it as UTF-8."),
    ],
)
def test_file_that_cannot_be_read(tmp_path: Path, name: str, line: str) -> None:
    (tmp_path / "study.yaml").write_text(GOOD)
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(StudyFileError) as caught:
        load_study_file(tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name}: {line.format(root=tmp_path)}"


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    (line,) = problems(tmp_path / "study.yaml", GOOD + 'sampler: "\\e[31mred"\n')
    assert line.startswith("sampler: there is no ?[31mred.")


def test_good_file_is_good(tmp_path: Path) -> None:
    path: Any = tmp_path / "study.yaml"
    path.write_text(GOOD)
    assert load_study_file(path).name == "study"
