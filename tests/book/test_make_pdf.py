"""The book on paper: pages in their order, links inside the file, nothing cut at the right."""

from __future__ import annotations

import re
from pathlib import Path

import make_pdf
import pytest
from chromium import browser, executable
from studies.stepper import Stepper

CONTENTS = [("", ["index"]), ("Theory", ["one", "two"])]
STYLE = make_pdf.BOOK / "_static" / "book.css"


def test_an_outline_is_read() -> None:
    pdf = rb"<</Title (a \(b\))>> /Title <FEFF03A3> /Title ()"
    assert make_pdf.outline(pdf) == ["a (b)", "Σ", ""]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    def write(name: str, text: str) -> None:
        head = f'<link rel="stylesheet" href="{STYLE.as_uri()}"><script src="menu.js"></script>'
        (tmp_path / f"{name}.html").write_text(
            f"<html><head>{head}</head><body><nav>menu</nav><article class='bd-article'>"
            f"<section id='top'><h1>{name.title()}</h1>{text}</section></article></body></html>",
            encoding="utf-8",
        )

    write("index", "<a href='one.html'>a</a> <a href='two.html#top'>b</a> <a href='#top'>c</a>")
    write("one", "<a href='api_theory.html'>d</a> <a href='https://arxiv.org'>e</a>")
    write(
        "two", "<details class='checks-closed'><summary>s</summary></details><details>t</details>"
    )
    return tmp_path


def test_the_api_is_left_out_and_nothing_else() -> None:
    names = [name for _, some in make_pdf.parts() for name in some]
    written = {path.stem for path in make_pdf.BOOK.glob("*.md")}
    assert len(names) == len(set(names))
    assert written - set(names) == {"api_theory", "api_samplers", "api_verification"}


def test_links_between_pages_stay_inside_the_file(folder: Path) -> None:
    text = make_pdf.joined(folder, CONTENTS)
    assert re.findall(r'href="([^"]*)"[^>]*>([abcde])<', text) == [
        ("#one", "a"),
        ("#two--top", "b"),
        ("#index--top", "c"),
        ("https://arxiv.org", "e"),
    ]
    ids = re.findall(r'id="([^"]*)"', text)
    assert len(ids) == len(set(ids)) == 6
    assert re.findall("<h1>(.*?)</h1>", text) == ["Index", "One", "Two"]
    assert "menu" not in text


def test_a_page_that_is_not_built_is_named(folder: Path) -> None:
    (folder / "two.html").unlink()
    with pytest.raises(FileNotFoundError, match=r"two\.html"):
        make_pdf.joined(folder, CONTENTS)


MOVING = re.compile(r'<div id="sharprates-[^>]*>')


def test_what_moves_has_a_line_for_paper_that_says_where_it_is() -> None:
    found = {
        **{page.stem: page.read_text(encoding="utf-8") for page in make_pdf.BOOK.glob("*.md")},
        "index": Stepper()._repr_html_(),
    }
    moving = [(name, tag) for name, text in found.items() for tag in MOVING.findall(text)]
    assert len(moving) == 3
    for name, tag in moving:
        assert re.search(rf'data-paper="On a screen [^"]*page {name}\.html[^"]*\."', tag), name


WIDE = "<table><tr>" + "<td>unbreakable</td>" * 20 + "</tr></table>"
MOVES = "<div data-paper='It moves.'><p>slider</p></div>"
CLIPPED = "<div style='overflow-x: hidden !important'><p style='width: 3000px'>x</p></div>"


@pytest.mark.skipif(executable() is None, reason="Chromium is not installed")
def test_a_pdf_has_every_page_and_wide_things_are_drawn_smaller_or_named(folder: Path) -> None:
    file = folder / "print.html"
    text = make_pdf.joined(folder, CONTENTS)
    with browser() as page:
        file.write_text(text.replace("</h1>", f"</h1>{WIDE}{MOVES}", 1), encoding="utf-8")
        assert make_pdf.lay_out(page, file) == []
        assert page.run("[...document.querySelectorAll('details')].map((e) => e.open)") == [
            False,
            True,
        ]
        told = "document.querySelector('[data-paper]')"
        assert page.run(f"{told}.innerText") == ""
        assert page.run(f"getComputedStyle({told}, '::after').content") == '"It moves."'
        assert "zoom" in page.run("document.querySelector('table').getAttribute('style')")
        pdf = make_pdf.printed(page)
        file.write_text(text.replace("</h1>", f"</h1>{CLIPPED}", 1), encoding="utf-8")
        cut = make_pdf.lay_out(page, file)
        assert any(one.startswith("index: <p style=") for one in cut)
    titles = make_pdf.outline(pdf)
    assert sorted(titles[1:]) == ["Index", "One", "Two"]
    assert len(re.findall(rb"/Type /Page\b(?!s)", pdf)) == 4
