"""The report as a reader has it: in a browser, by mouse and keyboard, on a desk and on a phone."""

from pathlib import Path

import pandas as pd
import pytest
from selenium.webdriver.common.keys import Keys

from normeq.suite.report.page import write_report
from tests.suite.report import gallery_files as files
from tests.suite.report.browser import Page, open_browser

READ = {"dtype": {"seed": str, "draw": str, "image": str}, "keep_default_na": False}


@pytest.fixture(scope="module")
def browser():
    driver = open_browser()
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A report of two networks, and the tables behind it."""
    folder = tmp_path_factory.mktemp("report")
    files.write_page(folder)
    return folder


@pytest.fixture
def page(browser, folder):
    """The page on a desk; whatever a test does there, nothing may go wrong."""
    page = Page(browser, folder / "report.html")
    yield page
    assert browser.get_log("browser") == []


@pytest.fixture(scope="module")
def levels(folder):
    return pd.read_csv(folder / "noise_levels.csv", **READ)


@pytest.fixture(scope="module")
def ranges(folder):
    return pd.read_csv(folder / "intervals.csv", **READ)


def numbers(page, view):
    """The cells of the table of numbers, row by row, without names."""
    rows = page.all(f"#view-{view} table.numbers tbody tr")
    return [[cell.text for cell in row.find_elements("css selector", "td")] for row in rows]


def two(value):
    return f"{value:.2f}"


def test_no_request_leaves_the_page(page, folder):
    page.one("#view-noise .point").click()
    asked = {address.partition(":")[0]: address for address in page.requests()}
    assert asked.pop("file") == (folder / "report.html").as_uri()
    assert set(asked) <= {"data"}


def test_the_noise_slider_by_keyboard(page, levels):
    slider = page.one("#view-noise input[type=range]")
    page.focus(slider)
    assert slider.get_attribute("aria-valuetext") == "σ = 50"  # the first above the level of training
    page.press(Keys.ARROW_LEFT)
    assert slider.get_attribute("aria-valuetext") == page.one("#view-noise output").text == "σ = 25"
    # the pictures: noisy, ordinary, norm, clean
    assert page.grays("#view-noise > .pictures img")[1:3] == pytest.approx(
        [files.gray(0, 1, 0), files.gray(0, 1, 1)], abs=2
    )
    for row, variant in ((1, "ordinary"), (2, "norm")):
        own = levels[(levels.variant == variant) & (levels.sigma == 25)]
        image = files.cell(own, dataset="set12", image="01", draw="0")
        means = [files.cell(own, dataset=name) for name in ("set12", "bsd68")]
        assert numbers(page, "noise")[row][1:] == [two(image), *map(two, means)]
    said = page.texts("#view-noise [role=status]")[0]
    assert said.startswith("σ = 25, set12/01: noisy 25.00 dB, ordinary ")
    page.press(Keys.HOME)
    assert slider.get_attribute("aria-valuetext") == "σ = 5"


def test_the_interval_slider_by_keyboard(page, ranges):
    page.focus(page.one("#view-intervals input[type=range]"))
    page.press(Keys.END)
    assert page.one("#view-intervals output").text == "[10, 11]"
    assert page.grays("#view-intervals > .pictures img")[1:3] == pytest.approx(
        [files.gray(0, 1, 0, moved=True), files.gray(0, 1, 1, moved=True)], abs=2
    )
    own = ranges[(ranges.variant == "norm") & (ranges.a == 10)]
    expected = [files.cell(own, dataset="set12", image="01"), files.cell(own, dataset="set12")]
    assert numbers(page, "intervals")[2][1:] == list(map(two, expected))


def test_another_image(page, levels):
    page.one("#view-noise select option[value='2']").click()
    own = levels[(levels.variant == "norm") & (levels.sigma == 50)]
    assert numbers(page, "noise")[2][1] == two(files.cell(own, dataset="bsd68", draw="0"))
    assert page.grays("#view-noise > .pictures img")[2] == pytest.approx(files.gray(2, 2, 1), abs=2)


def test_a_click_on_a_point_shows_its_pictures(page, levels):
    page.one("#view-noise [data-image='bsd68/test001']").click()
    check_triple(page, levels, image=2, dataset="bsd68", name="test001")


def test_enter_on_a_point_shows_its_pictures(page, levels):
    point = page.one("#view-noise .point[tabindex='0']")
    assert point.get_attribute("data-image") == "set12/01"
    page.focus(point)
    other = page.one("#view-noise [data-image='set12/02']")
    order = page.run(
        "return [...document.querySelectorAll('#view-noise .point')].sort((a, b) =>"
        " a.getBoundingClientRect().x - b.getBoundingClientRect().x).map(e => e.dataset.image)"
    )
    steps = order.index("set12/02") - order.index("set12/01")
    page.press(*[Keys.ARROW_RIGHT if steps > 0 else Keys.ARROW_LEFT] * abs(steps))
    assert page.browser.switch_to.active_element == other
    page.press(Keys.ENTER)
    check_triple(page, levels, image=1, dataset="set12", name="02")
    focused = page.browser.switch_to.active_element  # drawn anew, and the focus is still there
    assert focused.get_attribute("data-image") == "set12/02"
    assert focused.get_attribute("aria-pressed") == "true"


def check_triple(page, levels, image, dataset, name):
    """Noisy, clean, norm and ordinary at σ = 50, as in the table."""
    captions = page.texts("#view-noise .compare figcaption")
    rows = levels[(levels.dataset == dataset) & (levels.image == name) & (levels.sigma == 50)]
    rows = rows[rows.draw == "0"]
    norm, ordinary = (two(files.cell(rows, variant=variant)) for variant in ("norm", "ordinary"))
    noisy = two(files.cell(rows, "psnr_in"))
    assert captions == [
        f"noisy{noisy} dB", "clean", f"normalization-equivariant{norm} dB", f"ordinary{ordinary} dB"
    ]  # fmt: skip
    grays = page.grays("#view-noise .compare img")
    assert grays[1:] == pytest.approx([128, files.gray(image, 2, 1), files.gray(image, 2, 0)], abs=2)
    label = page.one(f"#view-noise [data-image='{dataset}/{name}']").get_attribute("aria-label")
    assert label == f"{dataset}/{name}: normalization-equivariant {norm} dB, ordinary {ordinary} dB"


def test_the_scatter_tells_who_is_ahead(page, levels):
    page.one("#view0-x option[value='0']").click()  # against the noisy image
    rows = levels[(levels.variant == "norm") & (levels.sigma == 50) & (levels.draw == "0")]
    mean = (rows.psnr - rows.psnr_in).mean()
    ahead = (rows.psnr > rows.psnr_in).sum()
    assert page.texts("#view-noise .compare .small")[0] == (
        f"σ = 50: normalization-equivariant is above noisy on {ahead} of 3 images, +{mean:.2f} dB on average."
    )


def test_tables_sort_by_keyboard(page):
    head = page.one("#table-1 th:nth-child(2)")
    column = "#table-1 tbody td:nth-child(1)"
    page.focus(head.find_element("css selector", "button"))
    page.press(Keys.ENTER)
    assert head.get_attribute("aria-sort") == "ascending"
    assert page.texts(column) == ["a", "b", "d", "c"]  # a dash last
    page.press(Keys.SPACE)
    assert head.get_attribute("aria-sort") == "descending"
    assert page.texts(column) == ["d", "b", "a", "c"]
    page.one("#table-1 th:nth-child(1) button").click()
    assert head.get_attribute("aria-sort") is None
    assert page.texts(column) == ["a", "b", "c", "d"]


def test_what_has_the_focus_can_be_seen(page):
    seen = set()
    for _ in range(40):
        page.press(Keys.TAB)
        outline, kind = page.run(
            "const e = document.activeElement, s = getComputedStyle(e);"
            "const outline = s.outlineStyle === 'none' ? '0px' : s.outlineWidth;"
            "return [e.matches('.point') ? s.strokeWidth : outline, e.localName]"
        )
        seen.add(kind)
        assert float(outline.removesuffix("px")) >= 2, kind
    assert {"a", "select", "input", "circle", "button", "div"} <= seen


def test_every_control_has_a_name(page):
    unnamed = page.run(
        "return [...document.querySelectorAll('input, select')].filter(e => !e.labels.length).length +"
        "[...document.querySelectorAll('[role=region], [role=button], img')].filter("
        "e => !(e.getAttribute('aria-label') || e.alt)).length"
    )
    assert unnamed == 0


@pytest.mark.parametrize("script", [True, False])
def test_a_phone_does_not_scroll_sideways(browser, folder, script):
    page = Page(browser, folder / "report.html", width=360, script=script)
    assert page.run("return [innerWidth, document.documentElement.scrollWidth]") == [360, 360]
    inside, outside = page.run(
        "const e = document.querySelector('#table-2 .scroll'); return [e.scrollWidth, e.clientWidth]"
    )
    assert inside > outside  # the wide table scrolls within itself


def test_no_table_of_a_real_experiment_is_wider_than_a_page(browser, tmp_path):
    results = Path(__file__).parents[3] / "results/compact"
    write_report(
        tmp_path / "report.html", results / "config.yaml", sorted(results.glob("tables/*.md")), [], [], None
    )
    page = Page(browser, tmp_path / "report.html", width=794, paper=True)  # A4 at 96 dots per inch
    assert page.run("return document.documentElement.scrollWidth") <= 794


def test_without_javascript_figures_and_tables_are_there(browser, folder):
    page = Page(browser, folder / "report.html", script=False)
    assert "need JavaScript" in page.one("#explore noscript").text
    assert page.one("#figure-picture img").is_displayed()
    assert page.texts("#table-1 tbody td:nth-child(1)") == ["b", "a", "c", "d"]
    assert page.all(".view") == []


def test_dark_colours_for_those_who_ask(browser, folder):
    def brightness(dark):
        page = Page(browser, folder / "report.html", dark=dark)
        colours = page.run("const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]")
        return [sum(map(int, colour[4:-1].split(","))) / 3 for colour in colours]

    paper, ink = brightness(dark=False)
    night, chalk = brightness(dark=True)
    assert paper - ink > 150 and chalk - night > 150


@pytest.mark.parametrize("denoisers", [[files.OWN], [files.OURS[1]], [*files.OURS, files.OWN]])
def test_any_set_of_denoisers(browser, tmp_path, denoisers):
    page = Page(browser, files.write_page(tmp_path, denoisers, moved=False))
    assert len(numbers(page, "noise")) == len(denoisers) + 1
    assert len(page.all("#view-noise .point")) == 3 and not page.all("#view-intervals")
    assert browser.get_log("browser") == []
