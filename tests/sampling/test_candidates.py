"""What is sampled in spaces with conditions, constraints and fixed points, on a real database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml
from database_state import disagreements

from search.engine.attempt_end import Outcome
from search.engine.ledger import Ledger
from search.engine.opening import open_ledger, plan
from search.errors import UserError
from search.layout import StudyFolder
from search.messages import DONE
from search.plain.yaml import parse_yaml
from search.sampling.study_settings import sampling_of
from search.space.distributions import Categorical
from search.store.queue import enqueue
from search.store.reading import read_study
from search.store.rebuild import rebuild
from search.study_file.load import parse_study_tree
from search.study_file.schema import StudyFile

pytestmark = pytest.mark.real

RANGES = """\
model: {class_path: a.Net}
objective: {metric: m}
space:
  model.lr: {float: [1e-3, 1e-1], log: true}
  model.opt: {choice: [sgd, adam]}
  model.momentum: {float: [0, 0.9], when: {model.opt: sgd}}
  model.hidden: {int: [1, 32]}
  model.latent: {int: [1, 32]}
  model.net:
    choice:
      mlp: {value: {class_path: a.MLP}, space: {width: {int: [8, 64]}}}
      conv: {value: {class_path: a.Conv}, space: {width: {int: [1, 4]}}}
constraints: [model.hidden >= 2 * model.latent]
derive: {model.out: model.hidden // 2}
"""
LISTS = """\
model: {class_path: a.Net}
objective: {metric: m}
space:
  model.opt: {choice: [sgd, adam]}
  model.nesterov: {choice: [true, false], when: {model.opt: sgd}}
  model.depth: {int: [1, 3]}
  model.width: {int: [1, 3]}
constraints: [model.depth <= model.width]
"""
# six pairs of depth and width, twice for sgd and once for adam
VALID = 18


def study_file(text: str, **changes: Any) -> StudyFile:
    tree = parse_yaml(text, "s.yaml") | changes
    return parse_study_tree(tree, source="s.yaml", default_name="study")


def opened(root: Path, given: StudyFile) -> Ledger:
    return open_ledger(plan(StudyFolder(root / "study"), given, None), 10)


def sampled(ledger: Ledger, count: int) -> list[dict[str, Any]]:
    """The parameters of the next trials; the value is the learning rate, or the width."""
    found = []
    for _ in range(count):
        number = ledger.sample()
        params = ledger.params(number)
        value = params.get("model.init_args.lr", params.get("model.init_args.width"))
        ledger.end_attempt(number, Outcome(DONE, value))
        found.append(params)
    return found


@pytest.mark.parametrize("name", ["tpe", "random", "qmc", "cmaes", "nsgaii"])
def test_candidates_are_valid_and_cost_no_number(name: str, tmp_path: Path) -> None:
    given = study_file(RANGES, sampler=name)
    points, ledger = given.points, opened(tmp_path, given)
    found = sampled(ledger, 25)
    for params in found:
        assert points.violation(params) is None
        assert ("model.init_args.momentum" in params) == (params["model.init_args.opt"] == "sgd")
        net = params["model.init_args.net"]
        assert [path for path in params if "[" in path] == [
            f"model.init_args.net[{net}].init_args.width"
        ]
    assert {params["model.init_args.net"] for params in found} == {"mlp", "conv"}
    assert [trial.number for trial in ledger.record().trials] == list(range(25))


def test_sampler_that_is_sure_of_a_forbidden_place_is_led_away(tmp_path: Path) -> None:
    # the best is where the constraint ends; a Gaussian process goes beyond it again and again
    given = study_file(
        "model: {class_path: a.Net}\nobjective: {metric: m}\n"
        "space: {model.lr: {float: [0, 1]}, model.width: {float: [0, 1]}}\n"
        "constraints: [model.lr >= 0.98]\nsampler: {name: gp, n_startup_trials: 3}\n"
    )
    found = sampled(opened(tmp_path, given), 5)
    assert all(params["model.init_args.lr"] >= 0.98 for params in found)


def test_study_that_was_cut_off_samples_what_it_would_have(tmp_path: Path) -> None:
    given = study_file(RANGES, enqueue=[{"model.lr": 0.05}])
    whole = sampled(opened(tmp_path / "whole", given), 14)
    first = sampled(opened(tmp_path / "cut", given), 5)
    again = opened(tmp_path / "cut", given)
    again.heal()
    assert first + sampled(again, 9) == whole


@pytest.mark.parametrize("name", ["grid", "bruteforce"])
def test_lists_skip_what_is_not_valid_and_count_the_rest(name: str, tmp_path: Path) -> None:
    first = {"model.opt": "adam", "model.depth": 2, "model.width": 3}
    given = study_file(LISTS, sampler=name, enqueue=[first])
    assert sampling_of(given).combinations == VALID
    found = sampled(opened(tmp_path, given), VALID)
    assert list(found[0].values()) == ["adam", 2, 3]
    assert len({yaml.safe_dump(params) for params in found}) == VALID
    assert all(given.points.violation(params) is None for params in found)


def test_grid_of_a_plain_space_tries_every_combination_once(tmp_path: Path) -> None:
    plain = LISTS.partition("constraints")[0].replace(", when: {model.opt: sgd}", "")
    given = study_file(plain, sampler="grid")
    assert sampling_of(given).combinations == 36
    found = sampled(opened(tmp_path, given), 36)
    assert len({tuple(params.values()) for params in found}) == 36


def test_range_without_steps_cannot_be_listed(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        _ = sampling_of(study_file(RANGES, sampler="grid")).combinations
    assert str(caught.value) == (
        "space.model.init_args.lr: grid needs a list of values, got a range without steps. "
        "Give it a step, or use choice."
    )


def test_fixed_points_come_first_once_each_and_are_completed(tmp_path: Path) -> None:
    given = study_file(
        RANGES, enqueue=[{"model.lr": 0.05, "model.hidden": 3}, {"model.net": "conv"}]
    )
    ledger = opened(tmp_path, given)
    enqueue(ledger.folder, {"model.init_args.lr": 0.07})
    found = sampled(ledger, 2)
    # appended by another process while the study runs
    enqueue(ledger.folder, {"model.init_args.lr": 0.08})
    found += sampled(ledger, 3)
    assert (found[0]["model.init_args.lr"], found[0]["model.init_args.latent"]) == (0.05, 1)
    assert found[1]["model.init_args.net"] == "conv"
    assert [params["model.init_args.lr"] for params in found[2:4]] == [0.07, 0.08]
    assert found[4]["model.init_args.lr"] not in (0.05, 0.07, 0.08)
    again = opened(tmp_path, given)
    assert sampled(again, 1)[0]["model.init_args.lr"] not in (0.05, 0.07, 0.08)


def test_kill_between_event_and_database_repeats_no_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = study_file(RANGES, enqueue=[{"model.lr": 0.05}, {"model.lr": 0.06}])
    ledger = opened(tmp_path, given)

    def killed(self: Any, trial_id: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("search.store.database.write_through.WriteThroughStorage.publish", killed)
        with pytest.raises(KeyboardInterrupt):
            ledger.sample()
    again = opened(tmp_path, given)
    assert again.heal() == [0]
    again.claim(0)
    again.end_attempt(0, Outcome(DONE, 0.1))
    assert [p["model.init_args.lr"] for p in sampled(again, 1)] == [0.06]
    assert again.trial(0).params["model.init_args.lr"] == 0.05


def test_rebuilt_database_has_derived_values_and_takes_no_point_again(tmp_path: Path) -> None:
    given = study_file(RANGES, enqueue=[{"model.lr": 0.05}])
    ledger = opened(tmp_path, given)
    sampled(ledger, 3)
    before = read_study(ledger.folder)
    for trial in before.trials:
        assert trial.derived == {"model.init_args.out": trial.params["model.init_args.hidden"] // 2}
    assert disagreements(ledger.folder) == []
    ledger.folder.db.unlink()
    assert rebuild(ledger.folder, None).trials == 3
    assert read_study(ledger.folder).trials == before.trials
    again = opened(tmp_path, given)
    assert sampled(again, 1)[0]["model.init_args.lr"] != 0.05


def test_optuna_reads_conditional_trials_as_they_are(tmp_path: Path) -> None:
    ledger = opened(tmp_path, study_file(RANGES))
    found = sampled(ledger, 6)
    stored = optuna.load_study(study_name="study", storage=f"sqlite:///{ledger.folder.db}")
    assert [trial.params for trial in stored.trials] == found


def test_damaged_queue_is_told(tmp_path: Path) -> None:
    ledger = opened(tmp_path, study_file(RANGES))
    enqueue(ledger.folder, {"model.init_args.lr": 7.0})
    with pytest.raises(UserError) as caught:
        ledger.sample()
    assert str(caught.value) == (
        f"{ledger.folder.queue}: point 1: model.init_args.lr: must be a number from 0.001 to 0.1, "
        "got 7.0. Write 0.1, or widen the range in space. Remove its line."
    )


@pytest.mark.parametrize("name", ["tpe", "random", "qmc", "cmaes", "nsgaii"])
def test_ranges_as_wide_as_numbers_go_are_sampled(name: str, tmp_path: Path) -> None:
    space = {
        "model.large": {"float": [-8e307, 8e307]},
        "model.scale": {"float": [1e-300, 1e300], "log": True},
        "model.exact": {"int": [-(2**53), 2**53]},
    }
    given = study_file(RANGES, space=space, constraints=[], derive={}, sampler=name)
    ledger = opened(tmp_path, given)
    for turn in range(14):
        number = ledger.sample()
        for path, value in ledger.params(number).items():
            distribution = given.space[path]
            assert not isinstance(distribution, Categorical)
            assert distribution.low <= value <= distribution.high
        ledger.end_attempt(number, Outcome(DONE, float(turn)))
