"""The built book as one PDF, for paper: all its pages in their order, but for the API.

Usage: python book/make_pdf.py [FOLDER [FILE]]; by default _build/html and _build/book.pdf
of this folder.
"""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml
from bs4 import BeautifulSoup, Tag
from chromium import Page, browser, executable

BOOK = Path(__file__).parent
PAPER, MARGIN = (8.27, 11.69), 0.7
"""A4, and what is left free around it, inches."""
SCALE = 0.85
"""So that the page is as wide as a screen, not a phone, to the style sheet."""
COLUMN = round(96 * (PAPER[0] - 2 * MARGIN) / SCALE)
"""Width of the text, px."""
FOOTER = '<div style="font-size: 8px; width: 100%; text-align: center" class="pageNumber"></div>'
PATIENCE = 900
"""Seconds for thousands of formulas on a busy machine."""

Parts = Sequence[tuple[str, Sequence[str]]]
"""Caption and pages of each part."""


def parts(book: Path = BOOK) -> Parts:
    """The table of contents, but for the API."""
    toc = yaml.safe_load((book / "_toc.yml").read_text(encoding="utf-8"))
    found = [("", [toc["root"]])]
    for part in toc["parts"]:
        files = [chapter["file"] for chapter in part["chapters"]]
        found.append((part["caption"], [name for name in files if not name.startswith("api_")]))
    return found


def target(link: str, name: str, names: set[str]) -> str | None:
    """Where a link on a page leads in the joined file; None if to something that is not in it."""
    if ":" in link:
        return link
    file, _, fragment = link.partition("#")
    there = file.removesuffix(".html") if file else name
    if there not in names:
        return None
    return f"#{there}--{fragment}" if fragment else f"#{there}"


def chapter(name: str, soup: BeautifulSoup, names: set[str]) -> Tag:
    """A page's text, its places named so that two pages' do not clash."""
    article = soup.select_one("article")
    if article is None:
        raise ValueError(f"{name}.html has no article: it is no page of this book")
    for tag in article.select("script, button, a.headerlink, .toctree-wrapper"):
        tag.decompose()
    for tag in article.find_all(id=True):
        tag["id"] = f"{name}--{tag['id']}"
    for tag in article.find_all("a", href=True):
        found = target(str(tag["href"]), name, names)
        if found is None:
            del tag["href"]
        else:
            tag["href"] = found
    article["id"] = name
    return article


def joined(folder: Path, contents: Parts) -> str:
    """One HTML file of these pages of a built book, below a title and a table of contents.

    Raises:
        FileNotFoundError: if a page is not there.
    """
    names = [name for _, some in contents for name in some]
    soups = {
        name: BeautifulSoup((folder / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
        for name in names
    }
    head = {
        str(tag): None
        for soup in soups.values()
        for tag in soup.select("head > link[rel=stylesheet], head > script")
        if tag.name == "link" or "mathjax" in str(tag).lower() or "tex-" in str(tag)
    }
    articles = {name: chapter(name, soup, set(names)) for name, soup in soups.items()}
    lines = []
    for caption, some in contents:
        items = "".join(f'<li><a href="#{name}">{_title(articles[name])}</a></li>' for name in some)
        lines.append(f"<p>{caption}</p><ul>{items}</ul>")
    config = yaml.safe_load((BOOK / "_config.yml").read_text(encoding="utf-8"))
    return (
        f'<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f"<title>{config['title']}</title>{''.join(head)}</head><body>"
        f'<article class="bd-article print-title"><p class="name">{config["title"]}</p>'
        f"<p>{config['author']}, {config['copyright']}</p>{''.join(lines)}</article>"
        f"{''.join(map(str, articles.values()))}</body></html>"
    )


def _title(article: Tag) -> str:
    heading = article.find("h1")
    return heading.get_text().strip() if heading else str(article["id"])


PREPARE = """
(() => {
  // What a click opens is open, but for the code of cells and for tables that a line sums up.
  document.querySelectorAll("details").forEach((e) => {
    e.open = !e.matches(".hide, .checks-closed");
  });
  document.querySelectorAll("img[loading]").forEach((e) => e.removeAttribute("loading"));
  for (const e of document.querySelectorAll("article table, article .claim-graph svg")) {
    const room = e.parentElement.clientWidth, width = e.getBoundingClientRect().width;
    if (width > room && room > 0) e.style.zoom = 0.995 * room / width;
  }
  return Promise.all([...document.images].map((e) => e.decode().catch(() => 1))).then(() => 1);
})()
"""

CUT = """
(() => {
  const edge = document.body.getBoundingClientRect().right + 1;
  const shown = "article *:not(svg *):not(mjx-container *), mjx-container > svg";
  return [...document.querySelectorAll(shown)]
    .filter((e) => e.getClientRects().length && getComputedStyle(e).visibility !== "hidden")
    .filter((e) => e.getBoundingClientRect().right > edge ||
      (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1
        && getComputedStyle(e).overflowX !== "visible"))
    .map((e) => `${e.closest("article").id}: ${e.outerHTML.slice(0, 80)}`);
})()
"""


def lay_out(page: Page, file: Path) -> list[str]:
    """Open a joined file as it is printed; the beginnings of what is still cut at the right."""
    page.patience = PATIENCE
    page.call("Emulation.setEmulatedMedia", media="print")
    page.resize(COLUMN, 1000)
    page.open(file.resolve().as_uri())
    page.run(PREPARE)
    page.settle()
    return [str(one) for one in page.run(CUT)]


def printed(page: Page) -> bytes:
    """The PDF of the page that is open, with page numbers, and headings as its outline."""
    width, height = PAPER
    margins = {f"margin{side}": MARGIN for side in ("Top", "Bottom", "Left", "Right")}
    answer = page.call(
        "Page.printToPDF",
        paperWidth=width,
        paperHeight=height,
        **margins,
        scale=SCALE,
        printBackground=True,
        displayHeaderFooter=True,
        headerTemplate="<span></span>",
        footerTemplate=FOOTER,
        generateTaggedPDF=True,
        generateDocumentOutline=True,
    )
    return base64.b64decode(answer["data"])


TITLES = """
[...document.querySelectorAll("h1")].map((e) => {
  const copy = e.cloneNode(true);  // formulas have no name in an outline
  copy.querySelectorAll("mjx-container").forEach((formula) => formula.remove());
  return copy.textContent.trim();
})
"""
TITLE = re.compile(rb"/Title (?:\((?P<text>(?:\\.|[^\\)])*)\)|<(?P<hex>[0-9A-Fa-f]*)>)", re.DOTALL)


def outline(pdf: bytes) -> list[str]:
    """Titles of a PDF's outline as Chromium writes them, in no order."""
    found = []
    for one in TITLE.finditer(pdf):
        if one["hex"]:
            found.append(bytes.fromhex(one["hex"].decode()).decode("utf-16"))
        else:
            found.append(re.sub(rb"\\(.)", rb"\1", one["text"] or b"").decode("latin-1"))
    return found


def main(folder: Path = BOOK / "_build" / "html", file: Path = BOOK / "_build" / "book.pdf") -> int:
    """Write the PDF; 2 if that is not possible, 1 if a page is missing or something is cut."""
    if executable() is None:
        print("Chromium is not installed: apt-get install chromium", file=sys.stderr)
        return 2
    whole = folder / "print.html"
    try:
        text = joined(folder, parts())
    except FileNotFoundError as error:
        print(f"{error.filename} is not there: run `make book` first", file=sys.stderr)
        return 2
    print("drawing the formulas of all pages")
    whole.write_text(text, encoding="utf-8")
    with browser() as page:
        wrong = [f"cut at the right: {one}" for one in lay_out(page, whole)]
        titles = page.run(TITLES)
        print("printing")
        pdf = printed(page)
    whole.unlink()
    file.write_bytes(pdf)
    # where a title is broken into lines the outline has no space
    there = {"".join(one.split()) for one in outline(pdf)}
    wrong += [f"missing: {one}" for one in titles if "".join(one.split()) not in there]
    for one in wrong:
        print(one, file=sys.stderr)
    print(f"{file}: {len(titles)} chapters, {len(pdf) / 1e6:.1f} MB")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
