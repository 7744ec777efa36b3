from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
import yaml

from search.report.page import build_report
from search.space.distributions import Categorical, FloatRange, IntRange
from search.store.warm_start import WarmSource, WarmStart, WarmTrial
from tests.report.records import LR, realistic, study, trial


@pytest.fixture(scope="module")
def page():
    """The page of a study as it may be."""
    return build_report(realistic(20))


def body(record):
    """The page without its scripts and style, which hold every word there is."""
    page = build_report(record)
    return re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)


def test_report_shows_the_best_trial_with_its_parameters_and_batch():
    best = trial(
        7, value=0.0123, params={LR: 0.0047}, micro_batch=32, accumulation=4, effective_batch=128
    )
    text = body(study(best))
    assert "0.0123" in text
    assert 'href="#trial-7"' in text
    assert "0.0047" in text
    assert "128 (32 × 4)" in text


def test_report_names_the_checkpoint_that_is_on_disk(tmp_path: Path):
    (tmp_path / "best.ckpt").touch()
    assert str(tmp_path / "best.ckpt") in body(study(trial(folder=tmp_path)))


def test_report_of_a_script_has_its_options_and_command_line(tmp_path: Path):
    arguments = {"--data-dir": "here & <there>", "--learning-rate": 0.1, "--amp/--no-amp": False}
    config = {"script": {"path": "train.py"}, "arguments": arguments}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    rate, amp = "arguments.--learning-rate", "arguments.--amp/--no-amp"
    space = {rate: FloatRange(0.01, 1.0, log=True), amp: Categorical((False, True))}
    best = trial(params={rate: 0.1, amp: False}, folder=tmp_path)
    text = body(study(best, space=space))
    # none of its words is broken after the hyphens that it begins with
    plain = re.sub(r'<wbr>|<span class="option">(.*?)</span>', r"\1", text)
    command = "python train.py --data-dir &#39;here &amp; &lt;there&gt;&#39; --learning-rate 0.1"
    assert f"{command} --no-amp</p>" in plain
    assert '<span class="option">--learning</span>-rate' in text
    assert '<th scope="row" class="path">--learning-rate</th>' in text
    assert f'<dt title="{amp}">--amp</dt><dd>false</dd>' in text


def test_report_of_classes_has_no_command_line(tmp_path: Path):
    (tmp_path / "config.yaml").write_text("model: {class_path: net.Net}")
    assert "Command line" not in body(study(trial(folder=tmp_path)))


def test_report_says_when_no_checkpoint_is_left(tmp_path: Path):
    assert "No checkpoint of trial 0" in body(study(trial(folder=tmp_path)))


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"is_running": True}, "running"),
        ({"n_trials": 1}, "finished"),
        ({"n_trials": 50}, "interrupted"),
        ({"n_trials": None}, "stopped"),
    ],
)
def test_report_says_the_state_of_the_study(fields, word):
    assert f'">{word}</span>' in body(study(trial(), **fields))


def test_report_of_an_empty_study_says_so():
    text = body(study())
    assert ">new</span>" in text
    assert "No trials yet" in text
    assert "The history appears once a trial is complete." in text


def test_report_of_failures_shows_cause_and_message():
    record = study(*(trial(n, "FAIL", None, cause="oom", message="at batch 64") for n in range(3)))
    text = body(record)
    assert text.count("at batch 64") == 3
    assert "out of memory" in text
    assert "none yet" in text


def test_report_shows_every_kind_of_space():
    space = {
        "a": FloatRange(1e-4, 1.0, log=True),
        "b": IntRange(2, 10, step=2),
        "c": Categorical((None, "adam", False)),
    }
    text = body(study(space=space))
    assert "float, log" in text
    assert "int, step 2, linear" in text
    assert "<span>null</span><span>adam</span><span>false</span>" in text


def test_report_advises_a_wider_range_when_the_best_lies_at_its_end():
    best = trial(0, value=0.01, params={LR: 0.1})
    text = body(study(best, trial(1, value=0.2, params={LR: 0.01})))
    assert "best at the upper end: widen the range" in text


def test_report_escapes_everything_that_a_trial_can_say():
    attack = "</script><script>alert(1)</script>"
    path = f"model.{attack}"
    record = study(
        *(
            trial(n, value=0.1 * n + 0.1, params={path: n, "opt": attack}, message=attack)
            for n in range(8)
        ),
        trial(8, "FAIL", None, cause="error", message=attack, params={path: 1, "opt": "x"}),
        name=attack,
        metric=attack,
        storage=attack,
        space={path: IntRange(0, 9), "opt": Categorical((attack, "x"))},
    )
    page = build_report(record)
    assert "<script>alert" not in page
    assert "</script><" not in page.replace("</script>\n", "\n")


def test_report_loads_nothing_and_runs_only_its_own_two_scripts(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "unsafe-eval" not in policy[1]
    assert policy[1].count("sha256-") == 2
    head, rest = page.split("</head>")
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=[\"'](?!data:)", head + body_of(rest))


def body_of(rest):
    return re.sub(r"<script\b.*?</script>", "", rest, flags=re.DOTALL)


def test_report_holds_plotly_once(page):
    assert page.count("plotly.js v") == 1


def test_report_folds_a_very_long_message():
    long = "word " * 2000
    text = body(study(trial(0, "FAIL", None, message=long)))
    assert "<details>" in text


def test_report_shows_values_that_are_not_finite():
    record = study(trial(0, value=float("inf")), trial(1, value=0.5))
    text = body(record)
    assert '<td class="number">inf</td>' in text
    assert '["inf","inf"]' in build_report(record)


def test_report_is_the_same_each_time(page):
    assert build_report(realistic(20)) == page


@pytest.mark.real
def test_report_does_not_grow_out_of_hand_with_a_thousand_trials():
    small, large = build_report(study()), build_report(realistic(1000))
    assert len(large) - len(small) < 3_000_000


@pytest.mark.benchmark
def test_report_of_a_thousand_trials_takes_seconds(capsys):
    record = realistic(1000)
    begin = time.perf_counter()
    build_report(record)
    with capsys.disabled():
        print(f"\nreport of 1,000 trials: {time.perf_counter() - begin:.1f} s")


def test_page_says_what_the_study_learnt_from():
    copies = tuple(WarmTrial(number, {LR: 0.01}, 0.0) for number in range(3))
    learnt = WarmStart((WarmSource("<earlier>", 512, copies),))
    page = body(study(trial(warm_origin="<earlier>, trial 7"), warm_start=learnt))
    assert "learnt from 3 of the 512 trials of &lt;earlier&gt;" in page
    assert "values of &lt;earlier&gt;, trial 7" in page
    assert "learnt from" not in body(study(trial()))
