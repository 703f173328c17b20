"""The report in a real browser: everything drawn, nothing wrong in the console, nothing asked of the network, and print."""

import shutil

import pytest

import needs

pytestmark = pytest.mark.toy
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# software rendering, since a machine for tests has no GPU; --no-sandbox because containers run as root
ARGUMENTS = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
CHARTS = "figure:has(> .chart)"
LONG_MS = 120_000


@pytest.fixture(scope="module")
def browser():
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        needs.give_up("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield started
        started.close()


def watched(browser):
    """A new page; `page.complaints` gets what goes wrong in it, `page.asked` what it asks for."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.complaints, page.asked = [], []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    return page


@pytest.fixture(scope="module")
def page(toy_run, browser):
    """The toy's report with all its charts drawn; one for all tests, since drawing takes its time without a GPU."""
    page = watched(browser)
    page.goto(f"file://{toy_run}/results/toy/report.html", timeout=LONG_MS)
    for figure in page.locator(CHARTS).all():
        figure.scroll_into_view_if_needed(timeout=LONG_MS)
        figure.locator(".chart[data-state=drawn]").wait_for(timeout=LONG_MS)
    return page


def test_all_charts_are_drawn_without_errors_and_without_the_network(toy_run, page):
    assert page.complaints == []
    asked = [url for url in page.asked if not url.startswith(("data:", "blob:"))]
    assert asked == [f"file://{toy_run}/results/toy/report.html"]
    charts = page.locator(CHARTS)
    names = {figure.get_attribute("id") for figure in charts.all()}
    # whatever became of the dynamics, a toy has these
    assert {"validation-chgnet-parity", "validation-chgnet-learning_curve", "transport-chgnet-msd"} <= names
    for figure in charts.all():
        assert figure.locator("svg .trace, canvas").count() > 0, figure.get_attribute("id")


def test_links_lead_to_files(toy_run, page):
    links = page.locator("figcaption a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert len(links) > 10
    assert [href for href in links if not (toy_run / "results/toy" / href).exists()] == []


def test_print_shows_the_static_figures(page, tmp_path):
    page.emulate_media(media="print")
    assert page.locator("figure .chart:visible").count() == 0
    assert page.locator("figure img:visible").count() == page.locator("figure img").count() > 5
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert (tmp_path / "report.pdf").stat().st_size > 100_000
    page.emulate_media(media="screen")


def test_nothing_is_wider_than_a_phone(page):
    page.set_viewport_size({"width": 360, "height": 800})
    page.wait_for_function("document.documentElement.scrollWidth <= 360", timeout=LONG_MS)


def test_a_chart_that_cannot_be_drawn_leaves_its_static_figure(toy_run, browser, tmp_path):
    html = (toy_run / "results/toy/report.html").read_text(encoding="utf-8")
    assert "Plotly.newPlot(chart" in html
    broken = tmp_path / "report.html"
    broken.write_text(html.replace("Plotly.newPlot(chart", "Promise.reject(chart"), encoding="utf-8")
    page = watched(browser)
    page.goto(f"file://{broken}", timeout=LONG_MS)
    figure = page.locator("#validation-chgnet-parity")
    # the figure is there before the attempt, too
    with page.expect_console_message(lambda m: "validation-chgnet-parity" in m.text, timeout=LONG_MS):
        figure.scroll_into_view_if_needed(timeout=LONG_MS)
    figure.locator("img.static").wait_for(state="visible", timeout=LONG_MS)


def test_the_report_is_small_enough_to_send(toy_run):
    assert (toy_run / "results/toy/report.html").stat().st_size < 15_000_000
