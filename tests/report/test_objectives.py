"""Several objectives and constraints on outcomes in figures, page and export."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from search.report.all_figures import figure
from search.report.csv_json import export_csv, export_json
from search.report.page import build_report
from search.store.records import ObjectiveRecord
from tests.report.records import LR, study, trial

LOSS = ObjectiveRecord("val_loss", "minimize")
SIZE = ObjectiveRecord("parameters", "minimize")
SCORE = ObjectiveRecord("val_score", "maximize")
VALUES = [(0.1, 9000.0), (0.2, 4000.0), (0.3, 5000.0), (0.4, 1000.0), (30.0, 100.0)]


def several(*objectives, values=VALUES, infeasible=()):
    trials = [
        trial(
            number,
            value=point[0],
            values=point,
            params={LR: 0.001 * (number + 1)},
            parameters=1234567,
            epoch_time=2.5,
            peak_memory=3 << 20,
            infeasible=("parameters <= 8000",) if number in infeasible else (),
        )
        for number, point in enumerate(values)
    ]
    pruned = trial(len(trials), "PRUNED", None, curve={1: 0.9}, parameters=77)
    return study(
        *trials,
        pruned,
        objectives=objectives,
        reported="val_loss",
        outcome_constraints=("parameters <= 8000",),
    )


def on_front(drawn):
    return {
        number
        for trace in drawn.data
        if trace.name == "Pareto front"
        for number in trace.customdata
    }


def test_pareto_figure_shows_the_front_and_its_edge():
    drawn = figure(several(LOSS, SIZE), "pareto")
    assert on_front(drawn) == {0, 1, 3, 4}
    assert drawn.layout.title.text == (
        "4 of 5 complete trials on the front: val_loss 0.1 to 30, parameters 100 to 9,000"
    )
    (edge,) = [trace for trace in drawn.data if trace.mode == "lines"]
    # a wild value is on the front all the same
    assert (list(edge.x), edge.line.shape) == ([0.1, 0.2, 0.4, 30.0], "hv")


def test_edge_of_the_front_lies_on_the_side_of_what_was_reached():
    points = [(0.9, 0.5), (0.8, 0.2), (0.5, 0.1)]
    drawn = figure(several(SCORE, LOSS, values=points), "pareto")
    (edge,) = [trace for trace in drawn.data if trace.mode == "lines"]
    assert (list(edge.x), edge.line.shape) == ([0.5, 0.8, 0.9], "vh")


def test_three_objectives_have_a_panel_for_each_pair():
    points = [(0.1, 9000.0, 0.2), (0.2, 4000.0, 0.9), (0.3, 5000.0, 0.1)]
    drawn = figure(several(LOSS, SIZE, SCORE, values=points), "pareto")
    assert {trace.xaxis for trace in drawn.data} == {"x", "x2", "x3"}
    titles = [drawn.layout[name].title.text for name in ("xaxis", "yaxis2", "xaxis3", "yaxis3")]
    assert titles == ["val_loss", "val_score", "parameters", "val_score"]
    assert on_front(drawn) == {0, 1}


def test_infeasible_trial_is_marked_and_never_on_the_front():
    record = several(LOSS, SIZE, infeasible=(0,))
    drawn = figure(record, "pareto")
    assert on_front(drawn) == {1, 3, 4}
    (marked,) = [trace for trace in drawn.data if trace.name == "infeasible"]
    assert list(marked.customdata) == [0]
    page = build_report(record)
    assert re.search(r'<tr id="trial-0" class="outcome-infeasible">', page)
    assert "violates parameters &lt;= 8000" in page


def test_page_has_each_objective_and_what_trials_took():
    page = build_report(several(LOSS, SIZE))
    for heading in ("Pareto front", "History: val_loss", "History: parameters"):
        assert f">{heading}</h2>" in page
    assert "Looking for the lowest val_loss and the lowest parameters" in page
    for text in ("1,234,567", "2.5 s", "3.0 MiB"):
        assert f">{text}</td>" in page
    # a pruned trial has no value of the objectives, but what it took is known
    assert ">77</td>" in page
    assert len(re.findall(r'class="outcome-\w+ best"', page)) == 4


def test_history_of_another_objective_does_not_show_the_curves():
    drawn = figure(several(SIZE, LOSS, values=[(b, a) for a, b in VALUES]), "history")
    assert "pruned" not in [trace.name for trace in drawn.data]
    assert drawn.layout.yaxis.title.text == "parameters"


def test_page_of_one_objective_has_no_pareto_front():
    assert "Pareto" not in re.sub(
        r"<script.*?</script>", "", build_report(study(trial())), flags=re.S
    )


@pytest.mark.parametrize("objectives", [(LOSS, SIZE), ()])
def test_export_has_values_resources_and_constraints(objectives):
    record = several(*objectives, infeasible=(0,))
    first, *_, pruned = csv.DictReader(io.StringIO(export_csv(record)))
    assert (first["parameters"], first["epoch_time"]) == ("1234567", "2.5")
    assert (first["peak_memory"], first["infeasible"]) == ("3145728", "parameters <= 8000")
    assert ("values.parameters" in first) == bool(objectives)
    if objectives:
        assert (first["values.parameters"], pruned["values.parameters"]) == ("9000.0", "")
    tree = json.loads(export_json(record))
    assert tree["front"] == ([1, 3, 4] if objectives else [1])
    assert tree["trials"][0]["infeasible"] == ["parameters <= 8000"]
