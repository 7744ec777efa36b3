"""The report in a real Chromium, opened from the disk as a user does."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest

from search.report.all_figures import FIGURES
from search.report.page import build_report, figure_html
from search.space.distributions import Categorical, IntRange
from tests.report.records import realistic, study, trial

pytestmark = pytest.mark.browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no Chromium on this machine (looked for {', '.join(NAMES)})")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def opened(browser, tmp_path):
    """A function that opens HTML from a file; errors and requests are checked at the end."""
    seen = SimpleNamespace(problems=[], requests=[])
    pages = []

    def open_page(html, **context):
        file = tmp_path / "report.html"
        file.write_text(html, encoding="utf-8")
        page = browser.new_page(**context)
        pages.append(page)
        page.on("console", lambda message: seen.problems.append(message.text))
        page.on("pageerror", lambda error: seen.problems.append(str(error)))
        page.on("dialog", lambda dialog: seen.problems.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: seen.requests.append(request.url))
        page.goto(file.as_uri(), wait_until="load")
        return page

    yield open_page
    for page in pages:
        page.close()
    assert seen.problems == []
    assert all(url.startswith(("file://", "data:", "blob:")) for url in seen.requests)


@pytest.fixture(scope="module")
def report():
    return build_report(realistic(50))


def column(page, index):
    cells = page.locator(f"#trial-table tbody tr:not([hidden]) td:nth-child({index})")
    return cells.all_text_contents()


def test_report_draws_every_figure(opened, report):
    page = opened(report)
    names = [name for name in FIGURES if name != "pareto"]
    assert page.locator(".js-plotly-plot").count() == len(names)
    for name in names:
        plot = page.locator(f"#plot-{name}.js-plotly-plot")
        assert plot.locator(".main-svg").count() >= 1
        assert plot.locator(".trace, .contour, .bars .point").count() >= 1


def test_report_table_sorts_by_number_in_both_directions(opened, report):
    page = opened(report)
    heading = page.locator("#trial-table thead th").nth(2)
    heading.locator("button").click()
    rising = column(page, 3)
    assert heading.get_attribute("aria-sort") == "ascending"
    numbers = [float(text) for text in rising if text != "–"]
    assert numbers == sorted(numbers)
    assert rising[-1] == "–"
    heading.locator("button").click()
    falling = column(page, 3)
    assert heading.get_attribute("aria-sort") == "descending"
    assert [float(text) for text in falling if text != "–"] == sorted(numbers, reverse=True)
    assert falling[-1] == "–"


def test_report_table_sorts_from_the_keyboard(opened, report):
    page = opened(report)
    page.locator("#trial-table thead button").nth(1).focus()
    page.keyboard.press("Enter")
    outcomes = column(page, 2)
    assert outcomes == sorted(outcomes)


def test_report_filter_shows_only_the_rows_with_all_words(opened, report):
    page = opened(report)
    page.fill("#filter", "Diverged nan")
    outcomes = column(page, 2)
    assert set(outcomes) == {"diverged"}
    assert page.locator("#shown").text_content() == f"{len(outcomes)} of 50 trials"
    page.fill("#filter", "")
    assert len(column(page, 2)) == 50


@pytest.fixture(scope="module")
def large():
    return build_report(realistic(450))


def test_report_of_a_large_study_shows_its_table_in_pages(opened, large):
    page = opened(large)
    assert page.locator("#page-place").text_content() == "rows 1 to 200 of 450"
    assert column(page, 1) == [str(number) for number in range(200)]
    page.click("#next-page")
    page.click("#next-page")
    assert column(page, 1) == [str(number) for number in range(400, 450)]
    assert page.locator("#next-page").is_disabled()
    page.locator("#trial-table thead button").first.click()
    assert column(page, 1) == [str(number) for number in range(449, 249, -1)]


def test_report_filter_finds_rows_of_every_page(opened, large):
    page = opened(large)
    page.fill("#filter", "pruned")
    count = int(page.locator("#shown").text_content().split()[0])
    assert 0 < count < 450
    assert set(column(page, 2)) == {"pruned"}
    page.fill("#filter", "nothing of the kind")
    assert column(page, 2) == []


def test_report_point_leads_to_a_row_of_another_page(opened, large):
    page = opened(large)
    page.fill("#filter", "nothing of the kind")
    click = "emit('plotly_click', {points: [{customdata: 438}]})"
    page.evaluate(f"document.getElementById('plot-history').{click}")
    assert page.locator("tr.picked").get_attribute("id") == "trial-438"
    page.evaluate("window.location.hash = '#trial-7'")
    page.wait_for_selector("#trial-7.picked")


def test_report_links_to_its_best_trial_twice(opened, large):
    page = opened(large)
    link = page.locator(".hero a")
    best = link.get_attribute("href")
    link.click()
    page.wait_for_selector(f"{best}.picked")
    page.click("#next-page")
    link.click()
    page.wait_for_selector(f"{best}.picked")


def test_report_follows_the_colours_of_the_screen(opened, report):
    page = opened(report, color_scheme="dark")
    colour = "getComputedStyle(document.querySelector('#plot-history .main-svg')).backgroundColor"
    dark = page.evaluate(colour)
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"{colour} !== '{dark}'")


@pytest.mark.parametrize("width", [1280, 480])
def test_report_does_not_scroll_sideways(opened, report, width):
    page = opened(report, viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_report_point_leads_to_its_row(opened, report):
    page = opened(report)
    page.evaluate(
        "document.getElementById('plot-history').emit('plotly_click', {points: [{customdata: 38}]})"
    )
    assert page.locator("tr.picked").get_attribute("id") == "trial-38"


@pytest.mark.parametrize(
    "record",
    [study(), study(trial()), study(*(trial(n, "FAIL", None) for n in range(3)))],
    ids=["empty", "one", "failures"],
)
def test_report_with_little_data_opens_without_errors(opened, record):
    page = opened(build_report(record))
    assert page.locator("h1").text_content().startswith("autoencoder")
    assert page.locator(".nothing").count() > 0


def test_report_runs_no_script_from_a_trial(opened):
    attack = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    record = study(
        *(
            trial(n, value=0.1 + n, params={attack: n, "o": attack}, message=attack)
            for n in range(8)
        ),
        name=attack,
        metric=attack,
        space={attack: IntRange(0, 9), "o": Categorical((attack, "x"))},
    )
    page = opened(build_report(record))
    assert attack in page.locator("#trial-table tbody tr").first.text_content()
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("name", ["history", "contour"])
def test_single_figure_opens_and_is_drawn(opened, name):
    page = opened(figure_html(realistic(20), name))
    assert page.locator(".js-plotly-plot .main-svg").count() >= 1
