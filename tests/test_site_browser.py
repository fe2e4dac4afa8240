"""The site in a real browser, opened from disk: Chromium, driven by its own driver."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from site_helpers import EVIL, PAIRS, Run, write_run

from winnow.reporting.values import EMPTY

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    (CHROMIUM is None or DRIVER is None) and "CI" not in os.environ,  # which has one
    reason="no Chromium with its driver (Debian: chromium and chromium-driver)",
)
PAGES = ("index", "curves", "claims", "papers", "samples", "gallery", "cells", "leakage")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--force-color-profile=srgb"),
)
WIDE, PHONE = (1280, 900), (390, 800)
COLOURS = ("--ink", "--soft", "--accent", "--good", "--bad", "--open")
SHAPES = ("--edge", *(f"--k{number}" for number in range(9)))  # borders of controls, and bars
LOADED = "return location.href !== 'about:blank' && document.readyState === 'complete'"
GROUNDS = ("--paper", "--raised", "--sunk")


class Browser:
    """One browser for all tests; `errors` is what its console said since it was last asked."""

    def __init__(self, driver, run: Run):
        self.driver, self.run_of, self.site = driver, run, run.site()

    def told(self, ratio: float) -> str:
        """The mean recall of `domain_clip` at a keep ratio."""
        return self.run_of.shown("domain_clip", ratio)

    def open(self, page: str, size=WIDE, dark=False, hash="") -> None:
        width, height = size
        device = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get("about:blank")  # else only the hash changes
        self.driver.get(f"{(self.site / page).with_suffix('.html').as_uri()}{hash}")
        self.wait(lambda: self.run(LOADED))  # on a busy machine the driver is too early

    def wait(self, what: Callable[[], Any]) -> Any:
        """What a function gives, once it gives something."""
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, 20).until(lambda driver: what())

    def run(self, script: str, *arguments):
        return self.driver.execute_script(script, *arguments)

    def one(self, selector: str):
        """The first element that is there, once it is: scripts bring some."""
        from selenium.webdriver.common.by import By

        return self.wait(lambda: self.driver.find_element(By.CSS_SELECTOR, selector))

    def texts(self, selector: str) -> list[str]:
        """The text of the elements that can be seen."""
        script = (
            "return [...document.querySelectorAll(arguments[0])]"
            ".filter(e => e.checkVisibility()).map(e => e.textContent.trim())"
        )
        return self.run(script, selector)

    def choose(self, name: str, value: str) -> None:
        """Choose in a list, with the event that a reader's choice has and the driver's has not."""
        script = (
            "const [list, value] = arguments; list.value = value;"
            "list.dispatchEvent(new Event('input', {bubbles: true})); return list.value"
        )
        assert self.run(script, self.one(f"form [name={name}]"), value) == value

    def press(self, key: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(key).perform()

    def errors(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[Browser]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    folder = tmp_path_factory.mktemp("browser")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={folder}/profile"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    run = write_run(folder / "run")
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield Browser(driver, run)
    driver.quit()


@pytest.fixture
def browser(shared) -> Iterator[Browser]:
    """The browser, whose console must stay empty."""
    shared.errors()
    yield shared
    assert shared.run("return window.stolen") is None
    assert shared.errors() == []


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("size", "dark"), [(WIDE, False), (PHONE, True)])
def test_pages_open_and_fit(browser, page, size, dark):
    browser.open(page, size, dark)
    assert browser.one("h1").is_displayed()
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]
    loaded = browser.run("return performance.getEntriesByType('resource').map(e => e.name)")
    assert [name for name in loaded if not name.startswith("file:")] == []


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_its_ground(browser, dark):
    browser.open("index", dark=dark)
    script = """
        const probe = document.body.appendChild(document.createElement("i"));
        return arguments[0].map((name) => {
          probe.style.color = `var(${name})`;
          return getComputedStyle(probe).color.match(/[0-9.]+/g).slice(0, 3).map(Number);
        });"""
    names = [*COLOURS, *SHAPES, *GROUNDS]
    bright = dict(zip(names, map(_luminance, browser.run(script, names)), strict=True))
    for name in (*COLOURS, *SHAPES):
        for ground in GROUNDS:
            low, high = sorted([bright[name], bright[ground]])
            least = 4.5 if name in COLOURS else 3  # WCAG 2.2: 1.4.3 and 1.4.11
            assert (high + 0.05) / (low + 0.05) >= least, f"{name} on {ground}"


def test_controls_have_a_border_that_stands_out(browser):
    browser.open("index")
    script = """
        const probe = document.body.appendChild(document.createElement("i"));
        probe.style.color = "var(--edge)";
        const controls = document.querySelectorAll(".filters select, [type=search], #theme");
        return [...new Set([...controls].map((e) => getComputedStyle(e).borderTopColor)),
          getComputedStyle(probe).color];"""
    found = browser.run(script)
    assert len(found) == 2 and found[0] == found[1]


@pytest.mark.parametrize("page", PAGES)
def test_headings_skip_no_level(browser, page):
    browser.open(page)
    if page == "gallery":
        browser.one("#drawn .tile")
    script = "return [...document.querySelectorAll('h1, h2, h3')].map(e => Number(e.tagName[1]))"
    levels = browser.run(script)
    assert levels[0] == 1
    assert all(low + 1 >= high for low, high in pairwise(levels))


def _luminance(colour: list[float]) -> float:
    """As WCAG 2.2 defines it."""
    parts = [c / 255 for c in colour]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_leaderboard_sorts_and_says_so(browser):
    browser.open("index")
    rows = "#board-contrastive-mean_recall tbody tr"
    head = browser.one("#board-contrastive-mean_recall thead th:nth-child(5)")
    button = browser.one("#board-contrastive-mean_recall thead th:nth-child(5) button")
    assert browser.texts(f"{rows} th")[0].startswith("domain_clip")
    button.click()
    assert head.get_attribute("aria-sort") == "ascending"
    rising = browser.texts(f"{rows} th")
    assert rising[0] == "clip"
    assert [name.split()[0] for name in rising[-2:]] == ["oracle", "pretrained"]  # have no value
    button.send_keys("\n")
    assert head.get_attribute("aria-sort") == "descending"
    falling = browser.texts(f"{rows} th")
    assert falling == [*rising[-3::-1], *rising[-2:]]
    assert len(browser.run("return [...document.querySelectorAll('[aria-sort=descending]')]")) == 1


def test_leaderboard_shows_one_measure_or_all_side_by_side(browser):
    browser.open("index")
    assert browser.texts("#boards h2") == ["Retrieval and zero-shot classification: mR"]
    browser.choose("board", "board-overview")
    assert browser.texts("#boards h2") == ["All measures side by side"]
    assert browser.texts("#board-overview thead th")[4:6] == ["mR", "zero-shot @1"]
    assert browser.texts("#board-overview tbody td")[3] == browser.told(0.3)


def test_leaderboard_filters_and_counts(browser):
    browser.open("index")
    assert browser.one(".status").text == "9 rows"
    browser.choose("captions", "human")
    assert browser.texts("#boards tbody th") == ["none control"]
    assert browser.one(".status").text == "1 of 9 rows"
    browser.choose("captions", "")
    browser.one("[name=control]").click()
    assert browser.one(".status").text == "4 of 9 rows"
    browser.one("[name=find]").send_keys("DOMAIN")
    assert browser.texts("#boards tbody th") == ["domain_clip", "domain_clip"]


def test_costs_come_from_their_own_file(browser):
    browser.open("index")
    browser.one("td.cost[data-key]")
    told = browser.texts("#board-contrastive-mean_recall td.cost")
    assert sorted(told) == ["12.5"] + [EMPTY] * 8


@pytest.mark.parametrize(("second", "told"), [(["2.5"], "15.0"), ([""], EMPTY), (None, "12.5")])
def test_the_cost_of_seeds_is_known_where_that_of_each_is(browser, second, told):
    """A second seed of the method that has a cost; of None no record can be used."""
    path = browser.site / "data/cost.js"
    before = path.read_text(encoding="utf-8")
    head, content = before.split(",", 1)
    costs = json.loads(content.removesuffix(");\n"))
    (first,) = (n for n, key in enumerate(costs["keys"]) if key[2:4] == ["clip", "0.3"])
    costs["keys"].append([*costs["keys"][first][:4], "1"])
    costs["cells"].append(second and [*second * len(costs["names"])])
    path.write_text(f"{head},{json.dumps(costs)});\n", encoding="utf-8")
    try:
        browser.open("index")
        row = '#board-contrastive-mean_recall tr[data-scorer="clip"][data-ratio="0.3"]'
        browser.one(f"{row} td.cost:not(:empty)")
        shown = browser.texts(f"{row} td.cost")
    finally:
        path.write_text(before, encoding="utf-8")
    assert shown == [told]


def test_curves_tell_points_to_mouse_and_keys(browser):
    from selenium.webdriver.common.action_chains import ActionChains

    browser.open("curves")
    browser.one(".line .point")
    assert not browser.one("#tip").is_displayed()
    ActionChains(browser.driver).move_to_element(browser.one(".line.c0 .point")).perform()
    assert browser.one("#tip").text == f"domain_clip, keep 30 %: {browser.told(0.3)}"
    ActionChains(browser.driver).move_to_element(browser.one("h1")).perform()
    assert not browser.one("#tip").is_displayed()
    browser.run("document.querySelector('.line.c0').focus()")
    browser.one(".line.c0").send_keys("\ue014")  # the right arrow
    assert browser.one("#tip").text == f"domain_clip, keep 50 %: {browser.told(0.5)}"
    lines = len(browser.texts("#plot .line"))
    browser.one("#legend input").click()
    assert len(browser.texts("#plot .line")) == lines - 1
    assert len(browser.run("return [...document.querySelectorAll('#numbers tbody tr')]")) == 5


def test_samples_show_markup_as_text_and_filter(browser):
    browser.open("samples")
    assert browser.one("#cards .caption").text == f"{EVIL} boats no. 7"
    assert browser.one("#sample-status").text == f"1 to 60 of {PAIRS} pairs"
    assert browser.texts("#summary td.number") == ["24", "56"]
    assert "mismatch" in browser.one("#summary .mixture").get_attribute("aria-label")
    browser.choose("show", "rejected")
    assert browser.one("#sample-status").text == "1 to 56 of 56 pairs"
    assert set(browser.texts("#cards .chip:first-child")) == {"rejected"}
    browser.choose("show", "")
    browser.choose("noise", "mismatch")
    assert browser.one("#sample-status").text == "1 to 20 of 20 pairs"
    browser.choose("noise", "")
    browser.choose("scene", "lake & <b>pond</b>")
    assert browser.one("#sample-status").text == "1 to 40 of 40 pairs"
    browser.one("[name=find]").send_keys("no such words")
    assert browser.one("#sample-status").text == "no such pair"


def test_samples_turn_pages_and_tell_one(browser):
    browser.open("samples")
    browser.one("#cards button")
    browser.one("#after").click()
    assert browser.one("#sample-status").text == f"61 to {PAIRS} of {PAIRS} pairs"
    browser.one("#before").click()
    browser.one("#cards button").click()
    dialog = browser.one("#sample[open]")
    assert EVIL in dialog.text
    assert [row.split()[0] for row in browser.texts("#sample tbody th")] == [
        "domain_clip",
        "clip",
        "random",
    ]
    assert "30 %, 50 %" in browser.texts("#sample tbody td")
    browser.press("\ue014")  # the right arrow
    assert EVIL not in browser.one("#sample[open]").text
    browser.press("\ue00c")  # Escape
    assert browser.texts("#sample") == []


def test_leaderboard_leads_to_what_a_row_keeps(browser):
    browser.open("index")
    browser.one('a[href*="scorer=clip&ratio=0.5"]').click()
    browser.one("#cards button")
    form = "document.forms[0].elements"
    shown = browser.run(f"return ['captions', 'scorer', 'ratio'].map(n => {form}[n].value)")
    assert shown == ["raw", "clip", "0.5"]
    assert "scorer=clip" in browser.driver.current_url
    browser.choose("ratio", "0.3")
    browser.choose("scorer", "domain_clip")
    assert browser.run(f"return {form}.ratio.value") == "0.3"  # the link does not come back


def test_thumbnails_are_loaded(browser):
    browser.open("samples")
    browser.one("#cards .tile")
    script = """
        const [tile, done] = [document.querySelector("#cards .tile"), arguments[0]];
        const image = new Image();
        image.onload = () => done(image.naturalWidth);
        image.onerror = () => done(0);
        image.src = getComputedStyle(tile).backgroundImage.slice(5, -2);"""
    assert browser.driver.execute_async_script(script) == 16 * 64


def test_samples_tell_how_much_of_each_part_is_clean(browser):
    browser.open("samples")
    browser.one("#summary .share")
    shares = [float(text.split()[0]) for text in browser.texts("#summary .share")]
    assert (24 * shares[0] + 56 * shares[1]) / PAIRS == pytest.approx(75, abs=0.1)


def test_what_is_missing_is_said_and_not_left_blank(browser):
    browser.open("index")
    assert browser.texts("#boards .why")[-1] == "not in this sweep"
    browser.one("[name=find]").send_keys("no such scorer")
    assert browser.one(".status").text == "none of 9 rows; ask for less"
    part = browser.site / "data/curves.js"
    moved = part.rename(part.with_suffix(".away"))
    try:
        browser.open("curves")
        assert "data/curves.js cannot be read" in browser.one("main [role=alert]").text
        assert any("curves.js" in error for error in browser.errors())
    finally:
        moved.rename(part)


def test_what_has_the_focus_can_be_seen(browser):
    browser.open("index")
    for _ in range(30):
        browser.press("\t")
        seen = browser.run(
            "const e = document.activeElement; const s = getComputedStyle(e);"
            "return e === document.body || s.outlineStyle !== 'none'"
        )
        assert seen, browser.run("return document.activeElement.outerHTML.slice(0, 200)")


def test_tables_scroll_inside_themselves_and_keep_the_name_of_a_row(browser):
    browser.open("index", PHONE)
    script = """
        const scroll = document.querySelector("#boards section:not([hidden]) .scroll");
        const head = scroll.querySelector("tbody th");
        scroll.scrollLeft = 300;
        const inside = head.getBoundingClientRect().left - scroll.getBoundingClientRect().left;
        return [scroll.scrollWidth > scroll.clientWidth, Math.round(inside)];"""
    scrolls, inside = browser.run(script)
    assert scrolls and inside <= 1


def test_tables_of_papers_are_reached_from_the_list(browser):
    browser.open("papers")
    browser.one(".contents summary").click()
    browser.one(".contents a").click()
    assert browser.run("return document.querySelector(':target').matches('details[open]')")


def test_gallery_shows_scenes_and_methods(browser):
    browser.open("gallery")
    browser.one("#drawn .tile")
    assert len(browser.texts("#drawn .prompt")) == 6
    assert browser.texts("#drawn .prompt:first-child figcaption") == [
        "real image",
        "none",
        "pretrained",
    ]
    browser.choose("scene", "harbor")
    assert len(browser.texts("#drawn .prompt")) == 3
    browser.one("#methods input").click()
    assert len(browser.texts("#drawn figure")) == 6


def test_cells_tell_where_they_come_from(browser):
    browser.open("cells")
    browser.choose("state", "finished")
    assert len(browser.texts("#cells tbody tr")) == 8
    browser.one("#cells tbody button").click()
    text = browser.one("#cell dl").text
    assert "samples_seen" in text
    assert "1200" in text
    browser.one("#cell > button").click()
    assert browser.texts("#cell") == []


def test_claims_filter_by_verdict(browser):
    browser.open("claims", PHONE)
    browser.choose("verdict", "not run")
    assert browser.texts("#claims tbody th") == ["C9"]


def test_theme_is_the_systems_until_one_is_chosen(browser):
    ground = "return getComputedStyle(document.body).backgroundColor"
    browser.open("index")
    light = browser.run(ground)
    browser.open("index", dark=True)
    dark = browser.run(ground)
    assert dark != light
    button = browser.one("#theme")
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert browser.run(ground) == light
    browser.open("claims", dark=True)
    assert browser.run(ground) == light  # remembered
    browser.run("localStorage.clear()")


def test_keyboard_reaches_the_content_first(browser):
    browser.open("index")
    browser.one("body").send_keys("\t")
    assert browser.run("return document.activeElement.className") == "skip"
    unnamed = browser.run(
        "return [...document.querySelectorAll('input, select, button, a')].filter(e =>"
        " !e.textContent.trim() && !e.closest('label') && !e.ariaLabel).length"
    )
    assert unnamed == 0
