"""A study in the output of a notebook's cell."""

from __future__ import annotations

from report.records import study, trial

from search.view.html import study_html


def test_nothing_that_a_user_or_a_model_wrote_becomes_html() -> None:
    evil = "<img src=x onerror=alert(1)>"
    record = study(trial(params={evil: evil}), name=evil, metric=evil, direction="minimize")
    html = study_html(record.name, record)
    assert "<img" not in html
    assert html.count("&lt;img src=x onerror=alert(1)&gt;") >= 4
    assert "<img" not in study_html(evil, None)


def test_shows_the_last_trials_and_the_best() -> None:
    trials = [trial(number, value=0.5 - number / 100) for number in range(8)]
    html = study_html("autoencoder", study(*trials, trial(8, "FAIL", None)))
    assert "9 of 50 trials finished: 8 done, 0 pruned, 1 failed" in html
    assert "best: <b>0.43</b>, trial 7" in html
    assert html.count("<tr>") == 1 + 5
    assert "<td>8</td><td>FAIL</td><td>–</td>" in html
