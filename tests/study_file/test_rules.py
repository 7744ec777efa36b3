"""Conditions, subtrees, constraints, derived values and first points of a study file."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from search.errors import StudyFileError
from search.plain.yaml import parse_yaml
from search.study_file.load import parse_study_tree
from search.study_file.rules import resolve_config
from search.study_file.schema import StudyFile

GOOD = """\
model:
  class_path: a.Net
  init_args: {hidden: 8, callbacks: [1, 2]}
objective: {metric: val_loss}
space:
  model.opt: {choice: [sgd, adam, null]}
  model.momentum: {float: [0, 0.9], when: {model.opt: sgd}}
  model.depth: {int: [1, 9, ]}
  model.lr: {float: [1e-3, 1e-1], log: true}
  model.net:
    choice:
      mlp:
        value: {class_path: a.MLP, init_args: {bias: true}}
        space:
          width: {int: [8, 64]}
          drop: {float: [0, 1], step: 0.5, when: {width: [8, 9]}}
      conv:
        value: {class_path: a.Conv}
        space: {width: {int: [1, 4]}}
"""
NET = "model.init_args.net"
MLP, CONV = f"{NET}[mlp].init_args", f"{NET}[conv].init_args"


def parsed(text: str) -> StudyFile:
    return parse_study_tree(parse_yaml(text, "s.yaml"), source="s.yaml", default_name="s")


def test_nested_spaces_become_conditional_paths_and_are_stored_as_such() -> None:
    study_file = parsed(GOOD)
    assert list(study_file.space)[4:] == [NET, f"{MLP}.width", f"{MLP}.drop", f"{CONV}.width"]
    assert study_file.space[f"{MLP}.drop"].when == ((f"{MLP}.width", (8, 9)), (NET, ("mlp",)))
    assert parse_study_tree(study_file.to_tree(), source="s", default_name="s") == study_file


def test_point_has_only_what_exists_in_it_and_its_subtree() -> None:
    study_file = parsed(GOOD + 'constraints: ["model.net[mlp].width > 8"]\n')
    points = study_file.points
    for seed in range(30):
        params = points.random_point({}, str(seed))
        assert params is not None
        assert ("model.init_args.momentum" in params) == (params["model.init_args.opt"] == "sgd")
        net = resolve_config(study_file, params)["model"]["init_args"]["net"]
        if params[NET] == "conv":
            assert net == {"class_path": "a.Conv", "init_args": {"width": params[f"{CONV}.width"]}}
            assert f"{MLP}.width" not in params
        else:
            assert net["class_path"] == "a.MLP"
            assert net["init_args"]["bias"] is True
            assert net["init_args"]["width"] == params[f"{MLP}.width"] > 8
            assert (f"{MLP}.drop" in params) == (params[f"{MLP}.width"] == 9)


def test_whole_models_and_callbacks_can_be_options() -> None:
    study_file = parsed("""\
model: {class_path: a.A}
objective: {metric: m}
space:
  model: {choice: {a: {value: {class_path: a.A}}, b: {value: {class_path: b.B}, space: {n: {int: [1, 2]}}}}}
  trainer.callbacks: {choice: {none: {value: []}, swa: {value: [{class_path: c.SWA}]}}}
""")
    config = resolve_config(
        study_file, {"model": "b", "model[b].init_args.n": 2, "trainer.callbacks": "swa"}
    )
    assert config["model"] == {"class_path": "b.B", "init_args": {"n": 2}}
    assert config["trainer"]["callbacks"] == [{"class_path": "c.SWA"}]


def test_derived_values_follow_from_parameters_constants_and_each_other() -> None:
    study_file = parsed(
        GOOD
        + """\
derive:
  model.twice: model.once * 2
  model.once: model.depth + model.hidden
  model.net[mlp].out: model.net[mlp].width // 2
  model.wide: model.net == 'mlp'
"""
    )
    params = {"model.init_args.depth": 3, NET: "mlp", f"{MLP}.width": 21}
    model = resolve_config(study_file, params)["model"]["init_args"]
    assert (model["once"], model["twice"], model["wide"]) == (11, 22, True)
    assert model["net"]["init_args"] == {"bias": True, "width": 21, "out": 10}
    conv = resolve_config(study_file, {"model.init_args.depth": 3, NET: "conv"})["model"]
    assert "out" not in str(conv["init_args"]["net"])


def test_constraint_on_an_absent_parameter_holds() -> None:
    points = parsed(GOOD + 'constraints: ["model.momentum > 0.5"]\n').points
    assert points.violation({"model.init_args.opt": "adam"}) is None
    assert points.violation({"model.init_args.opt": "sgd", "model.init_args.momentum": 0.1}) == (
        "model.momentum > 0.5"
    )


SGD = "model.momentum: {float: [0, 0.9], when: {model.opt: sgd}}"
MOMENTUM = "space.model.init_args.momentum"
OPT = "model.init_args.opt"
CASES: list[tuple[str, str]] = [
    # conditions
    (GOOD.replace("when: {model.opt: sgd}", "when: sgd"), f"{MOMENTUM}: when must be a mapping of a searched path to its value, got sgd. Write {{model.init_args.optimizer: sgd}}."),
    (GOOD.replace("when: {model.opt: sgd}", "when: {}"), f"{MOMENTUM}: when must be a mapping of a searched path to its value, got {{}}. Write {{model.init_args.optimizer: sgd}}."),
    (GOOD.replace("model.opt: sgd", "model.opt: []"), f"{MOMENTUM}: when takes a value or a list of values for {OPT}, got []. Name plain values."),
    (GOOD.replace("model.opt: sgd", "model.opt: [[sgd]]"), f"{MOMENTUM}: when takes a value or a list of values for {OPT}, got [[sgd]]. Name plain values."),
    (GOOD.replace("model.opt: sgd", "model.opf: sgd"), f"{MOMENTUM}: when names model.init_args.opf, which is not searched. Did you mean {OPT}?"),
    (GOOD.replace("model.opt: sgd", "model.hidden: 8"), f"{MOMENTUM}: when names model.init_args.hidden, which is not searched. Did you mean model.init_args.depth?"),
    (GOOD.replace("model.opt: sgd", "model.opt: sdg"), f"{MOMENTUM}: when: sdg is no value of {OPT}, which is sgd or adam or null."),
    (GOOD.replace("model.opt: sgd", "model.depth: true"), f"{MOMENTUM}: when: true is no value of model.init_args.depth, which is a whole number from 1 to 9."),
    (GOOD.replace("model.opt: sgd", "model.lr: 0.01"), f"{MOMENTUM}: when names model.init_args.lr, whose values are never quite the same. Make it a choice, or drop the condition."),
    (GOOD.replace("adam, null]}", "adam, null], when: {model.depth: 2}}").replace("[1, 9, ]}", "[1, 9], when: {model.opt: sgd}}"), f"space: when leads in a circle: {OPT} -> model.init_args.depth -> {OPT}. Drop one of these conditions."),
    (GOOD.replace("adam, null]}", "adam, null], when: {model.opt: sgd}}"), f"space: when leads in a circle: {OPT} -> {OPT}. Drop one of these conditions."),
    # options
    (GOOD.replace("      conv:\n", "      2:\n"), f"space.{NET}: the name of an option must be a word, got 2. Write mlp or conv_2."),
    (GOOD.replace("value: {class_path: a.Conv}", "vale: {class_path: a.Conv}"), f"space.{NET}: option conv must be {{value: ..., space: {{...}}}}, got {{vale: {{class_path: a.Conv}}}}. Put what stands in the configuration under value."),
    (GOOD.replace("space: {width: {int: [1, 4]}}", "space: 3"), f"space.{NET}: option conv must be {{value: ..., space: {{...}}}}, got {{space: 3, value: {{class_path: a.Conv}}}}. Put what stands in the configuration under value."),
    (GOOD.split("      conv:", maxsplit=1)[0], f"space.{NET}: choice needs two options or more, got [mlp]. Add one."),
    (GOOD.replace("{int: [1, 4]}", "{int: [4, 1]}"), f"space.{CONV}.width: low must be below high, got low=4, high=1. Swap them."),
    (GOOD + "  model.net[gru].init_args.width: {int: [1, 2]}\n", f"space.{NET}[gru].init_args.width: {NET} has no option gru. It may be mlp, conv."),
    (GOOD + "  model.opt[sgd].width: {int: [1, 2]}\n", f"space.{OPT}[sgd].width: {OPT} is no choice of named options in the space. Remove the [sgd]."),
    (GOOD + "  model.net.init_args.width: {int: [1, 2]}\n", f"space.{MLP}.width: is the same place as {NET}.init_args.width. Keep one of them."),
    (GOOD.replace("width: {int: [1, 4]}", "bias.x: {int: [1, 4]}").replace("a.Conv}", "a.Conv, init_args: {bias: 3}}"), f"space.{CONV}.bias.x: leads through model.init_args.net.init_args.bias, which is a plain value. Name model.init_args.net.init_args.bias itself, or make it a mapping."),
    # constraints
    (GOOD + "constraints: model.lr > 1\n", "constraints: must be a list, got model.lr > 1. Write constraints: [model.hidden >= model.latent]."),
    (GOOD + "constraints: [3]\n", "constraints.0: must be text, got 3. Write model.hidden >= model.latent."),
    (GOOD + "constraints: [model.lr]\n", "constraints.0: must compare something, got model.lr. Write model.a >= model.b."),
    (GOOD + "constraints: [model.lr >]\n", "constraints.0: is no expression, got model.lr >. Use numbers, texts, paths, comparisons, and/or/not, arithmetic, min, max, abs, round."),
    (GOOD + "constraints: [model.lrr > 0]\n", "constraints.0: model.init_args.lrr is neither searched nor set. Did you mean model.init_args.lr?"),
    (GOOD + "constraints: [model.lr > 1]\n", "constraints: none of 2,000 random points of the space is valid; the one of all low ends fails at model.lr > 1. Loosen the constraints or widen the ranges."),
    (GOOD + "constraints: [model.net > 1]\n", "constraints: none of 2,000 random points of the space is valid; the one of all low ends fails at model.net > 1 (mlp is no number). Loosen the constraints or widen the ranges."),
    # derived
    (GOOD + "derive: [model.lr]\n", "derive: must be a mapping, got [model.lr]. Write derive: {model.out: model.hidden // 2}."),
    (GOOD + "derive: {model.out: 3}\n", "derive.model.out: must be text, got 3. Write model.hidden // 2."),
    (GOOD + "derive: {model.out: model.lr.real()}\n", "derive.model.out: may not have the call model.init_args.lr.real(). Use numbers, texts, paths, comparisons, and/or/not, arithmetic, min, max, abs, round."),
    (GOOD + "derive: {model.lr: model.depth * 2}\n", "derive.model.init_args.lr: is searched. Search it, or derive it."),
    (GOOD + "derive: {optim.lr: model.depth * 2}\n", "derive.optim.lr: is no path into seed_everything, trainer, model. Write it as model.init_args.width."),
    (GOOD + "derive: {model.hidden.x: model.depth * 2}\n", "derive.model.init_args.hidden.x: leads through a plain value. Derive that value itself."),
    (GOOD + "derive: {model.a: model.b + 1, model.b: model.a + 1}\n", "derive.model.init_args.a: derives from itself: model.init_args.a -> model.init_args.b -> model.init_args.a. Drop one of these."),
    (GOOD + "derive: {model.a: model.dept + 1}\n", "derive.model.init_args.a: model.init_args.dept is neither searched nor set. Did you mean model.init_args.depth?"),
    (GOOD + "derive: {model.a: model.opt / 2}\nenqueue: []\n", "constraints: none of 2,000 random points of the space is valid; the one of all low ends fails at derive: model.init_args.a: sgd is no number. Loosen the constraints or widen the ranges."),
    # first points
    (GOOD + "enqueue: {model.lr: 1}\n", "enqueue: must be a list, got {model.lr: 1}. Write enqueue: [{model.lr: 1e-2}]."),
    (GOOD + "enqueue: [3]\n", "enqueue.0: must be a mapping, got 3. Write {model.lr: 1e-2}."),
    (GOOD + "enqueue: [{}]\n", "enqueue.0: names no value. Write PATH: VALUE."),
    (GOOD + "enqueue: [{model.hidden: 3}]\n", "enqueue.0: model.init_args.hidden: is not searched. Did you mean model.init_args.depth?"),
    (GOOD + "enqueue: [{model.lr: 0.01}, {model.lr: 5}]\n", "enqueue.1.model.init_args.lr: must be a number from 0.001 to 0.1, got 5. Write 0.1, or widen the range in space."),
    (GOOD + "enqueue: [{model.depth: 2.0}]\n", "enqueue.0.model.init_args.depth: must be a whole number from 1 to 9, got 2.0. Write 2."),
    (GOOD + "enqueue: [{model.opt: rmsprop}]\n", f"enqueue.0.{OPT}: must be sgd or adam or null, got rmsprop. It may be sgd, adam, null."),
    (GOOD + "enqueue: [{model.lr: 0.01, model.init_args.lr: 0.02}]\n", "enqueue.0: names a path twice. Keep one of them."),
    (GOOD + "enqueue: [{model.momentum: 0.5}]\n", f"enqueue.0.model.init_args.momentum: exists only where {OPT} is sgd. Give that too."),
    (GOOD + "enqueue: [{model.momentum: 0.5, model.opt: null}]\n", f"enqueue.0.model.init_args.momentum: exists only where {OPT} is sgd, got null. Remove it."),
    (GOOD + "constraints: [model.depth < 5]\nenqueue: [{model.depth: 7}]\n", "enqueue.0: violates model.depth < 5. Change a value so that it holds."),
    (GOOD + "constraints: [model.depth < 5 or model.lr > 1]\nenqueue: [{model.depth: 7}]\n", "enqueue.0: violates a constraint in each of 2,000 completions. Give fewer values, or others."),
    # annotations
    (GOOD.split("space:", maxsplit=1)[0] + "space: automatic\n", "space: must be a mapping, got automatic. Write space: {model.lr: {float: [1e-4, 1e-1], log: true}}."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_every_mistake_has_its_line(text: str, expected: str) -> None:
    with pytest.raises(StudyFileError) as caught:
        parsed(text)
    assert caught.value.problems[0] == f"s.yaml: {expected}"


def test_changed_rules_are_told_on_resume() -> None:
    from search.study_file.differences import differences

    rules: dict[str, Any] = {
        "constraints": ["model.depth < 5"],
        "derive": {"model.out": "model.depth * 2"},
        "enqueue": [{"model.depth": 2}],
    }
    old, new = parsed(GOOD), parsed(GOOD + yaml.safe_dump(rules))
    assert [line.split(":")[0] for line in differences(old, new)] == list(rules)
