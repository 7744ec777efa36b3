from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest

from search.errors import UserError
from search.report.all_figures import FIGURES, figure, figure_json, plot_named
from search.report.data import StudyData
from search.report.page import figure_html
from search.report.trial_rows import columns, rows
from search.space.distributions import Categorical, FloatRange, IntRange
from search.store.records import AttemptRecord
from tests.report.records import ACCUMULATE, LR, START, realistic, study, trial


def finding(record, name):
    return plot_named(record, name).finding


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "pareto"])
def test_figure_of_a_real_study_draws_something(name):
    drawn = figure(realistic(50), name)
    assert any(trace.type == "bar" or trace.y for trace in drawn.data)
    assert drawn.layout.title.text


@pytest.mark.parametrize("name", FIGURES)
def test_figure_without_any_trial_is_one_sentence(name):
    drawn = figure(study(), name)
    assert not drawn.data
    assert drawn.layout.annotations[0].text.endswith(".")


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(
    "record",
    [
        study(trial()),
        study(trial(0), trial(1)),
        study(*(trial(n, "FAIL", None, cause="diverged") for n in range(6))),
        study(*(trial(n, "PRUNED", 0.1 * n) for n in range(6))),
        study(*(trial(n, "RUNNING", None, curve={1: 0.1}) for n in range(2))),
        study(*(trial(n, value=0.05) for n in range(8))),
        study(*(trial(n, value=0.01 * (n + 1), params={}) for n in range(8))),
        study(*(trial(n, value=v) for n, v in enumerate((float("inf"), 1.0, -1.0, 1e30, 0.0)))),
        study(
            *(trial(n, value=0.1 * n, params={LR: 10.0 ** -(n + 1)}) for n in range(6)),
            space={LR: FloatRange(1e-7, 1.0, log=True)},
        ),
        study(
            *(trial(n, value=-1.0 * n, params={"flag": v}) for n, v in enumerate([True, None] * 4)),
            space={"flag": Categorical((True, None, "1", 1))},
            direction="maximize",
        ),
        study(*(trial(n, params={LR: 0.5}) for n in range(6)), space={LR: FloatRange(0.5, 0.5)}),
        study(*(trial(n, value=0.1 * n, params={"x": n}) for n in range(6)), space={}),
    ],
    ids=[
        "one",
        "two",
        "only-failures",
        "only-pruned",
        "only-running",
        "equal-values",
        "no-params",
        "wild-values",
        "one-parameter",
        "mixed-choice",
        "range-of-one",
        "unknown-space",
    ],
)
def test_figure_of_an_odd_study_is_valid_json(record, name):
    tree = json.loads(figure_json(record, name), parse_constant=pytest.fail)
    assert tree["data"] or tree["layout"]["annotations"]


def test_figure_of_an_unknown_name_suggests_the_nearest():
    with pytest.raises(UserError) as caught:
        figure(study(), "histroy")
    assert str(caught.value) == ("figure: there is no histroy. Did you mean history?")


def test_figure_of_a_strange_name_lists_those_there_are():
    with pytest.raises(UserError, match="It may be pareto, history, importance"):
        figure(study(), "zzz")


def test_history_names_the_best_trial_and_how_long_ago_it_was():
    values = [0.3, 0.1, 0.2, 0.4]
    record = study(*(trial(n, value=value) for n, value in enumerate(values)))
    assert finding(record, "history") == (
        "Best val_loss 0.1, found by trial 1; 2 trials since without a better one"
    )


def test_history_line_goes_up_when_maximizing():
    values = [0.3, 0.1, 0.5, 0.4]
    record = study(
        *(trial(n, value=v) for n, v in enumerate(values)), metric="val_acc", direction="maximize"
    )
    line = next(t for t in figure(record, "history").data if t.name == "best so far")
    assert list(line.y) == [0.3, 0.5, 0.5]


def test_history_shows_each_outcome_by_its_own_marker():
    record = study(
        trial(0),
        trial(1, "PRUNED", 0.2),
        trial(2, "FAIL", None, cause="diverged", curve={1: 0.3}),
        trial(3, "FAIL", None, cause="oom", curve={1: 0.3}),
    )
    markers = [t.marker.symbol for t in figure(record, "history").data if t.mode == "markers"]
    assert len(set(markers)) == 5


def test_history_is_not_squeezed_by_one_wild_failure():
    wild = trial(9, "FAIL", None, cause="diverged", curve={1: 1e20})
    record = study(*(trial(n, value=0.1 + 0.01 * n) for n in range(8)), wild)
    assert figure(record, "history").layout.yaxis.range[1] < 1


def test_importance_leaves_optunas_log_level_and_says_nothing(capfd):
    before = logging.getLogger("optuna").level
    data = StudyData(realistic(60))
    assert data.importances
    assert data.dashboard_importances
    assert logging.getLogger("optuna").level == before
    assert capfd.readouterr() == ("", "")


def test_intermediate_leaves_values_that_are_not_finite_out():
    record = study(trial(0, "FAIL", None, cause="diverged", curve={1: 0.3, 2: float("nan")}))
    drawn = figure(record, "intermediate")
    assert [x for x in drawn.data[0].x if x is not None] == [1]


def test_intermediate_of_a_large_study_keeps_the_best_trial():
    record = realistic(400, epochs=5)
    best = record.best.number
    drawn = figure(record, "intermediate")
    assert any(trace.name == f"best (trial {best})" for trace in drawn.data)


def test_slice_axis_is_log_where_the_distribution_is():
    drawn = figure(realistic(30), "slice")
    kinds = {
        axis.title.text: axis.type for axis in drawn.select_xaxes() if axis.title.text is not None
    }
    assert kinds == {"lr": "log", "latent_size": "log", "accumulate_grad_batches": None}


def test_contour_shows_at_most_three_pairs():
    space = {f"model.p{i}": FloatRange(0.0, 1.0) for i in range(6)}
    record = study(
        *(
            trial(
                n, value=0.1 + n, params={p: (n * (i + 3)) % 11 / 10 for i, p in enumerate(space)}
            )
            for n in range(12)
        ),
        space=space,
    )
    drawn = figure(record, "contour")
    assert sum(trace.type == "contour" for trace in drawn.data) == 3


def test_timeline_gives_an_interrupted_trial_a_bar_for_each_attempt():
    drawn = figure(realistic(30), "timeline")
    numbers = [number for trace in drawn.data for number in trace.customdata]
    assert numbers.count(20) == 2


def test_timeline_and_table_tell_the_machine_where_there_is_another():
    def placed(node):
        attempt = AttemptRecord(
            1, 7, "boot", START, START + timedelta(seconds=9), "done", node=node
        )
        return StudyData(study(trial(attempts=(attempt,), started=START, ended=attempt.ended)))

    elsewhere, here = placed("n2"), placed("")
    assert "on n2" in figure(elsewhere.record, "timeline").to_json()
    assert [column.name for column in columns(elsewhere)][-2:] == ["Node", "Message"]
    assert rows(elsewhere)[0].cells[-2].text == "n2"
    assert "Node" not in [column.name for column in columns(here)]


def test_timeline_cuts_a_night_out_of_the_axis():
    drawn = figure(realistic(50), "timeline")
    assert any(note.text.startswith("idle 13 h") for note in drawn.layout.annotations)
    assert max(max(trace.base) for trace in drawn.data) < 10


def test_figure_escapes_names_and_messages():
    path = "model.<img src=x>"
    record = study(
        *(trial(n, value=0.1 * n, params={path: n}, message="<b>no</b>") for n in range(6)),
        space={path: IntRange(0, 9)},
        metric="<i>loss",
    )
    for name in FIGURES:
        text = figure_json(record, name)
        assert "<img" not in text
        assert "<b>no" not in text
        assert "<i>" not in text


def test_figure_html_is_a_complete_page_with_its_finding():
    page = figure_html(realistic(20), "history")
    assert page.lstrip().startswith("<!doctype html>")
    assert "<h1>Best val_loss" in page


def test_figure_accepts_values_outside_a_space_that_was_changed():
    record = study(*(trial(n, value=0.1 * n, params={ACCUMULATE: 16, LR: 1.0}) for n in range(6)))
    assert figure(record, "slice").data
