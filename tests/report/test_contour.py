"""Contours show what trials showed, pruned ones among them, and nothing where none was."""

from __future__ import annotations

import math

from search.report.all_figures import figure, plot_named
from search.report.data import StudyData
from search.report.figures.contour import shown_points, surface
from search.report.value_axis import value_axis
from search.space.distributions import Categorical, FloatRange
from tests.report.records import realistic, study, trial

X, Y = "model.init_args.x", "model.init_args.y"
SPACE = {X: FloatRange(0.0, 1.0), Y: FloatRange(0.0, 1.0)}


def at(number, x, y, value, state="COMPLETE"):
    curve = {1: 0.2, 2: value}
    return trial(
        number, state, value if state == "COMPLETE" else None, params={X: x, Y: y}, curve=curve
    )


def pruned_corner():
    """Complete trials near 0.0086 in one corner, pruned ones at 0.08 in the opposite one."""
    spots = [(0.05 * n, 0.05 * m) for n in range(5) for m in range(2)]
    good = [at(n, x, y, 0.0086 + 0.0001 * n) for n, (x, y) in enumerate(spots)]
    bad = [at(10 + n, 0.9, 0.8 + 0.02 * n, 0.08, "PRUNED") for n in range(5)]
    return study(*good, *bad, space=SPACE)


def value_at(record, x, y):
    """What is painted at a place; None where nothing is."""
    data = StudyData(record)
    points = shown_points(data)
    axis = value_axis("val_loss", record.direction, [point.value for point in points])
    dims = {dim.path: dim for dim in data.dimensions}
    area = surface(points, axis, dims[X], dims[Y])
    column = min(range(len(area.x)), key=lambda i: abs(area.x[i] - x))
    row = min(range(len(area.y)), key=lambda i: abs(area.y[i] - y))
    painted = area.z[row][column]
    return None if painted is None else 10**painted if axis.is_log else painted


def test_place_where_trials_were_pruned_is_painted_as_what_they_showed():
    record = pruned_corner()
    assert value_at(record, 0.9, 0.85) == 0.08
    assert math.isclose(value_at(record, 0.1, 0.0), 0.009, rel_tol=0.05)


def test_place_far_from_every_trial_stays_blank():
    record = pruned_corner()
    for x, y in ((0.5, 0.5), (0.1, 0.9), (0.9, 0.1), (0.6, 0.9)):
        assert value_at(record, x, y) is None


def test_pruned_trials_have_a_mark_of_their_own_and_the_note_says_what_they_count_for():
    record = pruned_corner()
    marks = [trace for trace in figure(record, "contour").data if trace.type == "scatter"]
    assert [len(trace.x) for trace in marks] == [10, 5, 1]
    assert marks[1].marker.symbol == "triangle-down"
    assert marks[1].text[0].startswith("trial 10: pruned at 0.08<br>")
    note = plot_named(record, "contour").note
    assert "pruned ones (triangles) at the last value that they reported" in note
    assert "blank where no trial is near" in note


def test_trials_that_failed_or_reported_nothing_are_no_points():
    record = pruned_corner()
    more = (
        at(15, 0.5, 0.5, 0.5, "FAIL"),
        trial(16, "PRUNED", None, params={X: 0.5, Y: 0.5}),
        trial(17, "PRUNED", None, params={X: 0.5, Y: 0.5}, curve={1: math.nan}),
    )
    data = StudyData(study(*record.trials, *more, space=SPACE))
    assert len(shown_points(data)) == 15


def test_another_choice_is_never_near():
    space = {X: Categorical(("a", "b", "c")), Y: FloatRange(0.0, 1.0)}
    spots = [("ab"[n % 2], n / 11) for n in range(12)]
    record = study(*(at(n, x, y, 0.1 + n) for n, (x, y) in enumerate(spots)), space=space)
    data = StudyData(record)
    dims = {dim.path: dim for dim in data.dimensions}
    area = surface(shown_points(data), data.axis, dims[X], dims[Y])
    columns = list(zip(*area.z, strict=True))
    assert any(value is not None for value in columns[0])
    assert all(value is None for value in columns[2])
    # cells, for between two choices there is nothing
    assert figure(record, "contour").data[0].type == "heatmap"


def test_panels_share_one_scale_also_where_one_has_cells():
    filled = [t for t in figure(realistic(60), "contour").data if t.type != "scatter"]
    assert {trace.type for trace in filled} == {"contour", "heatmap"}
    assert len({(trace.zmin, trace.zmax) for trace in filled}) == 1
    assert [trace.showscale for trace in filled] == [True, False, False]
