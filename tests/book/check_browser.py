"""The built book in headless Chromium; not part of `make test`, run by `make book`.

Every page is opened from disk, at a desk and on a phone, and all is asked of it there; then the
sliders, the graph and the audit table are used.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any
from urllib.parse import unquote

import kit
import pytest
from chromium import Page, browser, executable
from sharpbook import javascript, results, table
from sharpbook.offline import mathjax_file
from sharprates.samplers import datasets
from sharprates.samplers.clock import clock, default_horizon, grid
from sharprates.samplers.families import family
from sharprates.samplers.schedule import step_law
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.registry import CLAIMS, claim
from sharprates.theory.setting import Setting
from sharprates.verification.checks.choices import Halving, LeftBlocks
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.planning.planner import plan_length
from sharprates.verification.planning.question import Question
from sharprates.verification.quantities.policies import PolicyQuantities
from studies import front

ROOT = Path(__file__).parents[2]
HTML = Path(os.environ.get("SHARPRATES_BOOK", ROOT / "book" / "_build" / "html"))
# the index pages and the search page have no text of ours
PAGES = sorted(
    page.name for page in HTML.glob("*.html") if (ROOT / "book" / f"{page.stem}.md").exists()
)
ROOMS = ("api/theory", "api/samplers", "api/verification")
EVERY = (*PAGES, *ROOMS)
PHONE, DESK = (390, 844), (1280, 900)

pytestmark = [
    pytest.mark.skipif(not PAGES, reason="the book is not built: run `make book`"),
    pytest.mark.skipif(
        executable() is None,
        reason="Chromium is not installed and could not be: apt-get install chromium",
    ),
]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as opened:
        opened.resize(*DESK)
        yield opened


def show(page: Page, name: str, folder: Path = HTML) -> None:
    page.open((folder / name).resolve().as_uri())


# --- what is wrong with a page --------------------------------------------------------------------

READABLE = r"""
(() => {
  const article = document.querySelector("article") || document.body;
  const copy = article.cloneNode(true);
  copy.querySelectorAll("pre, code, script, style, mjx-container, svg").forEach((e) => e.remove());
  const broken = [...document.images].filter((i) => i.complete && i.naturalWidth === 0);
  return {
    text: copy.textContent,
    formulas: article.querySelectorAll("mjx-container").length,
    sources: article.querySelectorAll(".math").length,
    errors: [...document.querySelectorAll("mjx-merror, [data-mml-node='merror']")]
      .map((e) => e.getAttribute("data-mjx-error") || e.textContent),
    broken: broken.map((i) => i.src),
  };
})()
"""
RAW_LATEX = re.compile(r"\\[a-zA-Z]{2,}|\\[()\[\]]|\$[^$\n]{1,80}\$|\{[a-z:]+\}`")


def faults(page: Page) -> list[str]:
    """What a reader of the page that is open would stumble over."""
    found = [f"console: {error}" for error in page.errors]
    outside = [url for url in page.requests if not url.startswith(("file:", "data:", "blob:"))]
    found += [f"request: {url}" for url in outside]
    seen = page.run(READABLE)
    found += [f"math error: {error}" for error in seen["errors"]]
    found += [f"image: {source}" for source in seen["broken"]]
    found += [f"raw LaTeX: {text}" for text in RAW_LATEX.findall(seen["text"])]
    if seen["sources"] and not seen["formulas"]:
        found.append("formulas are not drawn")
    return found


FIGURES = """
[...document.querySelectorAll(".bd-article .cell_output img")].map((img) => {
  const figure = img.closest("figure");
  const number = figure && figure.querySelector(".caption-number");
  const caption = figure && figure.querySelector(".caption-text");
  return [img.alt, number ? number.textContent : "", caption ? caption.textContent : ""];
})
"""

CUT = """
(() => {
  const edge = document.documentElement.clientWidth;
  const side = document.querySelector(".bd-sidebar-secondary");
  const shown = side && getComputedStyle(side).display !== "none" && side.clientWidth;
  const limit = shown ? side.getBoundingClientRect().left : edge;
  const scrolls = (e) => {
    for (; e; e = e.parentElement) if (getComputedStyle(e).overflowX === "auto") return true;
    return false;
  };
  const formulas = "article .claim-block mjx-container[display] svg";
  return [...document.querySelectorAll(`article table, ${formulas}`)]
    .filter((e) => e.offsetParent !== null || e.tagName === "svg")
    .filter((e) => e.getBoundingClientRect().right > limit + 1 && !scrolls(e))
    .map((e) => e.outerHTML.slice(0, 80));
})()
"""

TEXT = """
(() => {
  const p = document.querySelector("article p");
  return [document.documentElement.scrollWidth, parseFloat(getComputedStyle(p).fontSize),
    p.getBoundingClientRect().width];
})()
"""


HINTS = """
(() => {
  const all = [...document.querySelectorAll(
    "article mjx-container, article table, article pre, article .pan, .claim-graph")];
  const more = all.filter((e) => e.checkVisibility() && e.scrollWidth - e.clientWidth > 3
    && getComputedStyle(e).overflowX === "auto");
  const loose = [...document.querySelectorAll("article span.math")].filter((e) =>
    !e.querySelector(".wide") && !e.closest(".whole") && e.nextSibling
    && /^[.,;:]/.test(e.nextSibling.data || ""));
  const texts = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
  let alone = 0;  // the end of a proof at the beginning of a line
  for (let text; (text = texts.nextNode());) {
    const at = text.data.indexOf("□"), sign = document.createRange();
    if (at < 0 || (at === 0 && !text.previousSibling)) continue;
    sign.setStart(text, at);
    sign.setEnd(text, at + 1);
    const line = text.parentElement.closest("p, li, td, div").getBoundingClientRect();
    alone += sign.getBoundingClientRect().left < line.left + 3;
  }
  return {
    alone,
    more: more.length,
    plain: more.filter((e) => !e.classList.contains("more")).length,
    small: [...document.querySelectorAll("article mjx-container[display]")]
      .filter((e) => parseFloat(getComputedStyle(e).fontSize) < 11).length,
    loose: loose.length,
  };
})()
"""


@dataclass(frozen=True)
class Seen:
    """A page opened at a desk, and once more on a phone.

    Attributes:
        faults: what a reader would stumble over.
        figures: of each its alternative text, number and caption.
        cut: tables and formulas that are cut, at the desk and on the phone.
        phone: width of the page, size of letters, width of a paragraph, px.
        hints: what scrolls on the phone, and of it what does not show that it does.
    """

    faults: list[str]
    figures: list[list[str]]
    cut: list[str]
    phone: list[float]
    hints: dict[str, int]


def show_room(page: Page, room: str) -> None:
    """All modules of a room in the frame of one: hundreds of pages differ in no more."""
    files = sorted((HTML / room).rglob("*.html"))
    texts = [one.read_text(encoding="utf-8") for one in files]
    found = [re.search(r'<article class="bd-article">(.*)</article>', t, re.DOTALL) for t in texts]
    articles = [one[1] for one in found if one]
    assert len(articles) == len(files) > 20
    show(page, files[0].relative_to(HTML).as_posix())
    page.run(f"document.querySelector('article').innerHTML = {json.dumps(chr(10).join(articles))}")
    page.settle()


@pytest.fixture(scope="module")
def seen(page: Page) -> Callable[[str], Seen]:
    @cache
    def look(name: str) -> Seen:
        page.resize(*DESK)
        (show_room if name in ROOMS else show)(page, name)
        wrong, figures, cut = faults(page), page.run(FIGURES), page.run(CUT)
        page.resize(*PHONE, mobile=True)
        if name in ROOMS:  # no script of ours looks at the width there
            page.settle()
        else:
            show(page, name)
            page.run("new Promise((done) => setTimeout(() => done(1), 200))")
        return Seen(wrong, figures, cut + page.run(CUT), page.run(TEXT), page.run(HINTS))

    return look


@pytest.mark.parametrize("name", EVERY)
def test_a_page_loads_from_disk_without_fault(seen: Callable[[str], Seen], name: str) -> None:
    assert seen(name).faults == []


@pytest.mark.parametrize("name", EVERY)
def test_a_page_fits_a_phone(seen: Callable[[str], Seen], name: str) -> None:
    width, size, text = seen(name).phone
    assert width <= PHONE[0]
    assert size >= 14
    assert text >= 0.8 * PHONE[0]


HASH = re.compile(r"[0-9a-f]{16,}")


@pytest.mark.parametrize("name", EVERY)
def test_a_figure_has_a_number_a_caption_and_an_alternative_text(
    seen: Callable[[str], Seen], name: str
) -> None:
    for alt, number, caption in seen(name).figures:
        assert re.fullmatch(r"Fig\. [\d.]+ *", number), caption
        assert len(caption) > 20
        assert len(alt) > 20
        assert not HASH.search(alt)


@pytest.mark.parametrize("name", EVERY)
def test_no_table_and_no_formula_of_a_claim_is_cut(seen: Callable[[str], Seen], name: str) -> None:
    assert seen(name).cut == []


@pytest.mark.parametrize(
    "name", PAGES
)  # the script that fades runs at load, before a room is put in
def test_what_scrolls_fades_and_no_full_stop_is_left_alone(
    seen: Callable[[str], Seen], name: str
) -> None:
    hints = seen(name).hints
    assert hints == {**hints, "plain": 0, "small": 0, "loose": 0, "alone": 0}


CONTRAST = """
(() => {
  const light = (c) => {
    const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map((x) => {
      x /= 255; return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const back = light(getComputedStyle(document.body).backgroundColor);
  const texts = document.querySelectorAll("article p, article .chip, .claim-graph text");
  const found = [...texts].map((e) => {
    const s = getComputedStyle(e);
    const ink = light(e.tagName === "text" ? s.fill : s.color);
    return (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05);
  });
  return [back, Math.min(...found)];
})()
"""


@pytest.mark.parametrize("name", ["graph.html", "entropy_bound.html"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_light_and_dark_can_be_read(page: Page, name: str, theme: str) -> None:
    page.resize(*DESK)
    show(page, name)
    page.run(f"document.documentElement.dataset.theme = '{theme}'")
    page.run("new Promise((done) => setTimeout(() => done(1), 400))")  # the theme fades
    back, contrast = page.run(CONTRAST)
    assert (back > 0.5) == (theme == "light")
    assert contrast >= 4.5


class Links(HTMLParser):
    """Ids and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        self.ids.add(facts.get("id") or "")
        if tag == "a" and facts.get("href"):
            self.links.append(facts["href"] or "")


def dead(folder: Path) -> list[str]:
    """Links between pages that lead nowhere."""
    parsed = {
        file.relative_to(folder).as_posix(): Links(file.read_text(encoding="utf-8"))
        for file in folder.rglob("*.html")
    }
    found = []
    for name, one in parsed.items():
        for link in one.links:
            if re.match(r"[a-z]+:", link):
                continue
            target, _, fragment = unquote(link).partition("#")
            target = normpath(join(dirname(name), target)) if target else name
            if target.endswith(".html"):
                there = parsed.get(target)
                if there is None or (fragment and fragment not in there.ids):
                    found.append(f"{name}: {link}")
            elif not (folder / target).exists():
                found.append(f"{name}: {link}")
    return found


def test_links_lead_somewhere() -> None:
    assert dead(HTML) == []


def test_every_page_has_the_book_s_icon_beside_it() -> None:
    files = [HTML / name for name in PAGES]
    files += [file for room in ROOMS for file in (HTML / room).rglob("*.html")]
    for file in files:
        (icon,) = re.findall(r'<link rel="icon" href="([^"]+)"', file.read_text(encoding="utf-8"))
        assert (file.parent / icon).read_text(encoding="utf-8").startswith("<svg "), file


# --- the graph, the table, the sliders ------------------------------------------------------------


def test_a_click_in_the_graph_leads_to_the_claim(page: Page) -> None:
    page.resize(*DESK)
    show(page, "graph.html")
    nodes = page.run(
        "[...document.querySelectorAll('.claim-graph a.node')].map((a) => "
        "[a.dataset.claim, a.getAttribute('href'), a.getAttribute('class')])"
    )
    outcome = results.load()
    assert {name for name, _, _ in nodes} == set(CLAIMS)
    for name, href, classes in nodes:
        file, _, fragment = href.partition("#")
        text = (HTML / file).read_text(encoding="utf-8")
        assert re.search(rf'<div class="[^"]*proof[^"]*" id="{fragment}">', text), name
        assert f"proof-{outcome.proof(name)}" in classes
    click = "new MouseEvent('click', {bubbles: true})"
    page.follow(f"document.querySelector('a[data-claim=E5]').dispatchEvent({click})")
    assert page.run("location.pathname.split('/').pop() + location.hash") == "entropy_bound.html#E5"
    legend = (HTML / "graph.html").read_text(encoding="utf-8")
    assert all(f"{proof}</span>" in legend for proof in results.PROOFS)


def test_the_audit_table_sorts(page: Page) -> None:
    show(page, "audit.html")
    first = "document.querySelector('.audit tbody tr').id"
    click = "document.querySelectorAll('.audit th')[0].click()"
    names = sorted(one.id for one in table.ROWS)
    assert page.run(first) == f"row-{table.ROWS[0].id}"
    page.run(click)
    assert page.run(first) == f"row-{names[0]}"
    page.run(click)
    assert page.run(first) == f"row-{names[-1]}"
    assert page.run("document.querySelectorAll('.audit tbody tr').length") == len(table.ROWS)


INK = r"""
[...document.querySelectorAll(".claim-block mjx-container rect")].filter((bar) => {
  const text = getComputedStyle(bar.closest("mjx-container")).color;
  return getComputedStyle(bar).fill !== text;
}).length
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_bars_of_fractions_and_roots_have_the_colour_of_the_text(page: Page, theme: str) -> None:
    page.resize(*DESK)
    show(page, "entropy_bound.html")
    page.run(f"document.documentElement.dataset.theme = '{theme}'")
    page.run("new Promise((done) => setTimeout(() => done(1), 400))")
    assert page.run("document.querySelectorAll('.claim-block mjx-container rect').length") > 5
    assert page.run(INK) == 0


def test_a_claims_command_can_be_copied(page: Page) -> None:
    show(page, "entropy_bound.html")
    page.run("document.querySelector('#E5 button.copy').click()")
    assert page.run("getSelection().toString()") == "sharprates verify --claims E5"


def test_what_a_claim_rests_on_is_lit(page: Page) -> None:
    show(page, "graph.html")
    over = "document.querySelector('a[data-claim=E6]').dispatchEvent(new Event('pointerenter'))"
    page.run(over)
    lit = "[...document.querySelectorAll('a.node.lit')].map((a) => a.dataset.claim)"
    assert set(page.run(lit)) == {"E6", "E3", "S2"}


def test_a_picture_scrolls_under_its_caption_and_stops_fading_at_its_end(page: Page) -> None:
    page.resize(*PHONE, mobile=True)
    show(page, "pictures.html")
    pan = "[...document.querySelectorAll('.pan')].find((e) => e.scrollWidth > e.clientWidth + 9)"
    fades = f"{pan}.classList.contains('more')"
    assert page.run(f"new Promise((done) => setTimeout(() => done({fades}), 200))")
    caption = f"{pan}.closest('figure').querySelector('figcaption').getBoundingClientRect().left"
    before = page.run(caption)
    page.run(f"{pan}.scrollLeft = 9999")
    assert not page.run(f"new Promise((done) => setTimeout(() => done({fades}), 200))")
    assert page.run(caption) == before


SETTINGS = [
    {"clock": name, "rule": rule, "grid": kind, "d": d, "S": S, "K": K}
    for name, rule, kind, d, S, K in [
        ("constant", "euler", "uniform", 8, 16, 40),
        ("constant", "tau-leaping", "uniform", 3, 2, 7),
        ("constant", "ancestral", "alpha", 5, 4, 9),
        ("linear", "euler", "uniform", 16, 256, 64),
        ("linear", "ancestral", "alpha", 2, 2, 1),
        ("cosine", "euler", "uniform", 12, 64, 33),
        ("cosine-late", "ancestral", "uniform", 7, 8, 20),
        ("polynomial:2", "tau-leaping", "alpha", 9, 32, 11),
        ("geometric", "euler", "uniform", 4, 1024, 50),
    ]
]


FAMILIES = {"L4": "parity", "L6": "groups"}


def python_values(it: dict[str, Any]) -> tuple[list[float], dict[str, float]]:
    """The step law by the samplers, and by the registry every curve whose claim applies."""
    chosen = clock(it["clock"])
    times = grid(it["grid"], chosen, it["K"], default_horizon(chosen, it["d"]))
    law = step_law(it["rule"], chosen, times)
    w = law.weights.tolist()
    setting = Setting(
        it["d"],
        it["S"],
        it["K"],
        sampler=it["rule"],
        clock=it["clock"],
        grid=it["grid"],
        has_leftover=law.leftover > 1e-12,
        equal_steps=w == pytest.approx([1 / it["K"]] * it["K"]),
    )
    values = {
        **{name: it[name] for name in ("d", "S", "K")},
        "w": w,
        "W": max(w),
        "I_bar": FLOAT.log(it["S"]),
        "T": default_horizon(clock("constant"), it["d"]),
        "epsilon_w": 0,
        "epsilon_1": 0,
        "g": min(it["d"], it["S"].bit_length()),
    }
    curves = {
        name: float(claim(name).value(values, FLOAT, variant=variant))
        for name, (variant, _) in javascript.CURVES.items()
        if claim(name).applies(replace(setting, family=FAMILIES.get(name)), variant) is None
    }
    return w, curves


@pytest.mark.parametrize("it", SETTINGS, ids=lambda it: f"{it['clock']} {it['rule']} {it['grid']}")
def test_the_sliders_compute_what_python_computes(page: Page, it: dict[str, Any]) -> None:
    if not page.run("Boolean(window.sharprates)"):
        show(page, "interactive.html")
    w, curves = python_values(it)
    setting = json.dumps(it)
    assert page.run(f"sharprates.stepLaw({setting}, {it['K']})") == pytest.approx(
        w, rel=1e-9, abs=1e-12
    )
    found = page.run(f"sharprates.evaluate({setting}, {it['K']})")
    assert set(found) == set(javascript.CURVES)
    assert {name for name, value in found.items() if value is not None} == set(curves)
    for name, value in curves.items():
        assert found[name] == pytest.approx(min(1.0, max(0.0, value)), rel=1e-8, abs=1e-11), name


@pytest.mark.parametrize(("d", "S", "epsilon"), [(64, 16, 0.1), (2, 2, 0.5), (1024, 4, 0.01)])
def test_the_headline_is_what_the_planner_says(page: Page, d: int, S: int, epsilon: float) -> None:
    if not page.run("Boolean(window.sharprates)"):
        show(page, "interactive.html")
    counts = {one.claim: one for one in plan_length(Question(d, S, epsilon)).counts}
    enough = min(counts[name].steps or math.inf for name in ("E3", "E7"))
    needed = max(counts[name].steps or 1 for name in ("L1", "L6"))
    asked = json.dumps({"d": d, "S": S, "epsilon": epsilon})
    assert page.run(f"sharprates.answer({asked})") == [needed, enough]


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("d", "4"),
        ("S", "9"),
        ("epsilon", "-2"),
        ("K", "3"),
        ("clock", "constant"),
        ("rule", "tau-leaping"),
        ("grid", "alpha"),
    ],
)
def test_each_control_changes_what_is_shown(page: Page, control: str, value: str) -> None:
    show(page, "interactive.html")
    # on the cosine clock every control matters
    page.run("document.getElementById('control-clock').value = 'cosine'; sharprates.draw()")
    state = (
        "JSON.stringify([document.querySelector('#plot-rates').data.map((t) => t.y),"
        "document.querySelector('#plot-rates').layout.shapes,"
        "document.querySelector('#sharprates-app tbody').innerText])"
    )
    assert_changes(page, f"control-{control}", value, state)


def at_panel(page: Page, **values: Any) -> dict[str, float | None]:
    """What the panel of policies has at `R` rounds, by the names of its orders."""
    if not page.run("Boolean(window.sharprates && sharprates.panel)"):
        show(page, "interactive.html")
    it = {"S": 2, "L": 2, "epsilon": 0.1, **values}
    found: dict[str, float | None] = page.run(
        f"sharprates.panel.evaluate({json.dumps(it)}, {it['R']})"
    )
    return found


PANEL: dict[str, dict[str, Any]] = {
    "E7 vocabulary": {"d": 64, "S": 16, "K": 100},
    "KL1": {"a": (2, 3, 1), "h": [1.5, 1.25, 1.0, 0.5, 0.25, 0.0]},
    "L2": {"d": 9, "S": 3, "w": [1 / 7] * 7},
    "L3 every-law": {"b": 2, "d": 12, "K": 40},
    "P1": {"block_tc": 0},
    "P2 one-token-exact": {},
    "P3 copies": {"n": 5, "S": 4, "epsilon": 0.75},
    "P5": {"sizes": {(6, 5, 3, 2): 0.5, (4, 4, 4, 4): 0.5}},
    "P5 least-tv": {"d": 32, "R_max": 4},
    "P5 rounds": {"R": 3, "d": 8},
    "P6": {},
    "P6 rounds-one": {"n": 64},
    "P6 scan": {"n": 256, "R_max": 16},
    "P6 walk": {"a": (40, 40, 39, 1)},
    "P7": {"b": 2, "sizes": {(3, 2, 1): 1}},
    "P7 lower": {"b": 2, "short": 0.25},
    "P11 equal-blocks": {"L": 8, "d": 64, "K": 1000, "S": 16},
    "P11 pairs": {"L": 8, "d": 64, "K": 1000, "S": 16},
}


@pytest.mark.parametrize("one", javascript.POLICIES, ids=lambda one: javascript.name_of(*one))
def test_a_formula_of_the_panel_is_the_claims(page: Page, one: tuple[str, str | None]) -> None:
    if not page.run("Boolean(window.sharprates && sharprates.panel)"):
        show(page, "interactive.html")
    name, (claim_id, variant) = javascript.name_of(*one), one
    values = PANEL[name]
    wanted = float(claim(claim_id).value(values, FLOAT, variant=variant))
    given = json.dumps(
        {key: list(x.items()) if isinstance(x, dict) else x for key, x in values.items()}
    )
    found = page.run(f"sharprates.policies[{json.dumps(name)}]({given})")
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-13)


def partners_apart(it: Any, context: Any, turn: int) -> list[int]:  # noqa: ARG001 - a `Chooser`
    """The tokens at even places, then those at odd ones."""
    return list(range(turn, len(context), 2))


def walked() -> Target:
    """Four steps of the walk of fair bits."""
    steps = list(itertools.product((0, 1), repeat=4))
    rows = [tuple(itertools.accumulate(one)) for one in steps]
    return Target.from_rows(rows, [Fraction(1, 16)] * 16, 5)


ORDERS = [
    ("copies", "copies:4:2", LeftBlocks((2, 2)), "equal rounds"),
    ("copies", "copies:4:2", LeftBlocks((2, 1, 1)), "equal rounds"),
    ("copies", "copies:4:2", LeftBlocks((1, 3)), "one token, then all others"),
    ("copies", "copies:4:2", LeftBlocks((1, 1, 1, 1)), "one token a round"),
    ("pairs", "pairs:4:2", LeftBlocks((2, 2)), "blocks from left to right"),
    ("pairs", "pairs:4:2", LeftBlocks((4,)), "blocks from left to right"),
    ("pairs", "pairs:4:2", partners_apart, "all first tokens, then their partners"),
    ("parity", "parity:4:2", LeftBlocks((2, 2)), "equal rounds"),
    ("parity", "parity:4:2", LeftBlocks((3, 1)), "all but one token, then that"),
    ("permutations", "permutations:4:4", LeftBlocks((2, 2)), "equal rounds"),
    ("permutations", "permutations:4:4", LeftBlocks((2, 1, 1)), "rounds of the best sizes"),
    ("shared symbols", "shared-symbols:4:2", LeftBlocks((2, 1, 1)), "equal rounds"),
    ("walk", "walk", LeftBlocks((2, 2)), "equal blocks from left to right"),
    ("walk", "walk", Halving(1), "bisection"),
]


@pytest.mark.parametrize(
    ("data", "text", "rule", "name"), ORDERS, ids=lambda it: it if isinstance(it, str) else ""
)
def test_the_panel_has_what_the_policys_law_has(
    page: Page, data: str, text: str, rule: Any, name: str
) -> None:
    law = PolicyQuantities(exact_experiment(walked() if text == "walk" else family(text)), (rule,))
    found = at_panel(page, data=data, d=4, R=law.R_max)
    wanted = law.kl if data in ("parity", "walk") else law.tv
    assert found[name] == pytest.approx(float(wanted), rel=1e-9, abs=1e-13)
    if found[name] == pytest.approx(0, abs=1e-13) and law.R_max < 4:  # not with fewer rounds
        fewer = at_panel(page, data=data, d=4, R=law.R_max - 1)[name]
        assert fewer is None or fewer > 0


@pytest.mark.parametrize("data", ["copies", "pairs"])
def test_the_panels_equal_steps_are_the_samplers(page: Page, data: str) -> None:
    found = at_panel(page, data=data, d=4, R=6)["equal steps"]
    assert found == pytest.approx(kit.Bench.of(f"{data}:4:2").tv(StepLaw.equal(6)).middle)


@pytest.mark.parametrize(
    ("data", "wins"),
    [
        ("copies", "one token, then all others wins with 2 rounds"),
        ("pairs", "all first tokens, then their partners wins with 2 rounds"),
        ("parity", "all but one token, then that wins with 2 rounds"),
        ("shared symbols", "one token a round wins with 64 rounds"),
        ("walk", "bisection wins with 7 rounds"),
        ("any data", "one token a round wins with 64 rounds"),
    ],
)
def test_the_sentence_says_which_order_wins(page: Page, data: str, wins: str) -> None:
    show(page, "interactive.html")
    page.run(f"document.getElementById('policy-data').value = '{data}'; sharprates.panel.draw()")
    sentence = page.run("document.querySelector('#sharprates-policies .headline').textContent")
    assert f": {wins}. " in sentence


def test_the_sentence_counts_the_rounds_of_permutations(page: Page) -> None:
    asked = {"data": "permutations", "d": 32, "S": 2, "L": 2, "epsilon": 0.1, "R": 1}
    at_panel(page, **asked)
    best, least = claim("P5"), "sharprates.panel.verdict"
    values = [{"d": 32, "R_max": R, "R": R} for R in range(1, 33)]
    rounds, any_policy = (
        next(it["R"] for it in values if best.value(it, FLOAT, variant=form) <= 0.1)
        for form in ("least-tv", "rounds")
    )
    sentence = page.run(f"{least}({json.dumps(asked)})")
    assert f"rounds of the best sizes and equal rounds win with {rounds} rounds." in sentence
    assert rounds == any_policy or f"No policy has fewer than {any_policy}." in sentence


@pytest.mark.parametrize(
    ("control", "value"),
    [("data", "walk"), ("d", "4"), ("S", "9"), ("epsilon", "-2"), ("R", "2"), ("L", "1")],
)
def test_each_control_of_the_panel_changes_what_is_shown(
    page: Page, control: str, value: str
) -> None:
    show(page, "interactive.html")
    page.run("document.getElementById('policy-data').value = 'pairs'; sharprates.panel.draw()")
    state = (
        "JSON.stringify([document.querySelector('#plot-policies').data.map((t) => t.y),"
        "document.querySelector('#plot-policies').layout.shapes,"
        "document.querySelector('#sharprates-policies').innerText])"
    )
    assert_changes(page, f"policy-{control}", value, state)


def test_plots_keep_their_height_when_the_window_changes(page: Page) -> None:
    page.resize(*DESK)
    show(page, "interactive.html")
    heights = "[...document.querySelectorAll('.js-plotly-plot')].map((e) => e.clientHeight)"
    assert len(page.run(heights)) == 3
    page.resize(1000, 800)
    page.run("new Promise((done) => setTimeout(() => done(1), 500))")
    assert min(page.run(heights)) >= 250
    drawn = "[...document.querySelectorAll('.js-plotly-plot .main-svg')]"
    assert min(page.run(f"{drawn}.map((e) => e.getBoundingClientRect().height)")) >= 250
    page.resize(*DESK)


def assert_changes(page: Page, control: str, value: str, state: str) -> None:
    """Moving a control changes what an expression tells of the page."""
    before = page.run(state)
    page.run(
        f"(() => {{ const c = document.getElementById('{control}'); c.value = '{value}';"
        "c.dispatchEvent(new Event('input')); })()"
    )
    page.run("new Promise((done) => setTimeout(() => done(1), 200))")
    assert page.run(state) != before
    assert page.errors == []


def test_the_stepper_predicts_what_the_denoiser_predicts(page: Page) -> None:
    show(page, "index.html")
    pair = front.pair()
    third = page.run("sharpratesStepper.predict(['t', 'h', null, null], 2)")
    last = page.run("sharpratesStepper.predict(['t', 'h', null, null], 3)")
    for word in ("that", "thas", "they"):
        assert third[word[2]] * last.get(word[3], 0) == pytest.approx(pair.product[word])
    bench = kit.Bench.of(datasets.builtin("words4"))
    for steps, total in page.run("sharpratesStepper.tv").items():
        assert total == pytest.approx(bench.tv(StepLaw.equal(int(steps))).middle)


def test_the_stepper_steps(page: Page) -> None:
    show(page, "index.html")
    one = "sharpratesStepper.run(1, () => 0.5).states"
    assert [len(state["now"]) for state in page.run(one)] == [4]
    # one letter at a time every draw is from the true conditional: the end is a word
    seeded = "let s = 7; const r = () => (s = (s * 16807) % 2147483647) / 2147483647;"
    words = "JSON.parse(document.getElementById('stepper-data').textContent).words"
    single = f"(() => {{ {seeded} const w = {words}; return Array.from({{length: 200}}, () => "
    single += "sharpratesStepper.run(Infinity, r))"
    single += ".every((x) => x.word in w && x.states.length === 4) })()"
    assert page.run(single)
    shown = "document.querySelector('#sharprates-stepper .meter span').textContent"
    before = page.run(shown)
    page.run(
        "(() => { const s = document.querySelector('#sharprates-stepper input'); s.value = s.max;"
        "s.dispatchEvent(new Event('input')); })()"
    )
    assert page.run(shown) == "exact total variation 0.000" != before
    assert "one letter at a time" in page.run("document.querySelector('.K').textContent")
    assert page.run("document.querySelectorAll('#sharprates-stepper .shared').length") == 0


FOUND = """
new Promise((done) => {
  const wait = (n) => {
    const links = [...document.querySelectorAll("#search-results li > a")];
    const ready = document.querySelector("#search-results p.search-summary");
    if ((links.length && ready && ready.textContent.includes("finished")) || n > 100) {
      done(links.slice(0, 8).map((a) => a.getAttribute("href")));
    } else {
      setTimeout(() => wait(n + 1), 100);
    }
  };
  wait(0);
})
"""


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("E3", r"^birthday\.html.*#E3$"),
        ("first hitting", r"^(first_hitting|notation|sampler_laws)\.html"),
        ("leftover", r"^(notation|worst_cases|sampler_laws|assumptions)\.html"),
    ],
)
def test_a_search_finds_theorems_and_definitions_first(page: Page, query: str, wanted: str) -> None:
    page.resize(*DESK)
    page.open((HTML / "search.html").resolve().as_uri() + f"?q={query.replace(' ', '+')}")
    found = page.run(FOUND)
    if query == "E3":
        assert re.search(wanted, found[0]), found
    assert any(re.search(wanted, link) for link in found), found
    assert not any(re.match("api[_/]", link) for link in found), found


# --- five questions, from the front page ----------------------------------------------------------

# the texts of the links to click, and what the place where one arrives says
QUESTIONS = {
    "what is E5's constant, and is it sharp?": (
        ["audit of constants", "E5"],
        [r"sharp\?", r"within a factor 1\.\d+"],
    ),
    "which data are worst for Euler at S = 2?": (
        ["E9"],
        ["worst law", r"copies|q0=\[00:1/2 11:1/2\]"],
    ),
    "how many calls for TV ≤ 0.01 at d = 1024?": ([], ["1 024", "382 052", "551 630"]),
    "is X1 proved?": (["The graph", "X1"], ["conjecture"]),
    "how do I check my sampler?": (["Five minutes"], ["sharprates check"]),
}
LINK = """(() => {
  const named = [...document.querySelectorAll("article a[href], .bd-article a[href]")].find(
    (a) => (a.dataset.claim || a.textContent).trim().toLowerCase() === %s.toLowerCase());
  if (!named) throw Error("no link " + %s);
  return named.href.baseVal ? new URL(named.href.baseVal, location).href : named.href;
})()"""


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_in_three_clicks(page: Page, question: str) -> None:
    clicks, answers = QUESTIONS[question]
    assert len(clicks) <= 3
    show(page, "index.html")
    for text in clicks:
        page.open(page.run(LINK % ((json.dumps(text),) * 2)))
    place = "(location.hash && document.querySelector(location.hash)) || document.body"
    told = re.sub(r"[\s\u202f\u00a0\u2009]+", " ", page.run(f"({place}).innerText"))
    for answer in answers:
        assert re.search(answer, told), (answer, told[:2000])


# --- the checks above would notice ----------------------------------------------------------------

BROKEN = {
    "console: ": "<script>undefinedFunction()</script>",
    "request: ": "<img src='http://127.0.0.1:9/picture.png'>",
    "math error: ": r"<p>\(\undefinedmacro{x}\)</p>",
    "raw LaTeX: ": r"<p>the rate \mathrm{TV} is</p>",
    "image: ": "<img src='missing.png'>",
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_page_is_noticed(page: Page, tmp_path: Path, fault: str) -> None:
    (tmp_path / "tex.js").write_bytes(mathjax_file().read_bytes())
    configuration = "window.MathJax = {tex: {packages: {'[-]': ['noundefined']}}}"
    text = (
        f"<!doctype html><html><head><script>{configuration}</script>"
        f"<script src='tex.js'></script></head>"
        f"<body><article>{BROKEN[fault]}</article></body></html>"
    )
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    show(page, "page.html", tmp_path)
    assert any(one.startswith(fault) for one in faults(page)), faults(page)


def test_a_dead_link_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<a href='b.html#x'>x</a><a href='#here'>y</a><p id='here'>")
    (tmp_path / "b.html").write_text("<p id='y'>")
    assert dead(tmp_path) == ["a.html: b.html#x"]
