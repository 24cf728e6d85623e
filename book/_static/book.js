// Formulas wider than their column scroll in place, as tables and figures do, and fade where there is
// more to see; tables of class `sortable` sort by a click.
(function () {
  "use strict";

  function markWide() {
    document.querySelectorAll("mjx-container:not([display])").forEach((box) => {
      const svg = box.querySelector("svg");
      const column = box.closest("p, li, dd, td, th, div");
      const width = svg && svg.getBoundingClientRect().width;
      box.classList.toggle("wide", Boolean(column) && width > column.clientWidth - 1);
    });
  }

  // A display that is a little too wide is set smaller; letters stay above 11 px, in the audit's table 9.
  function fitDisplays() {
    document.querySelectorAll("mjx-container[display], .audit td:nth-child(2) mjx-container").forEach((box) => {
      box.style.removeProperty("font-size");
      const size = parseFloat(getComputedStyle(box).fontSize), least = box.closest(".audit") ? 9 : Math.min(size, 11.2);
      for (let at = size, tries = 0; box.clientWidth && box.scrollWidth > box.clientWidth && tries < 9; tries++) {
        at = Math.floor(at * (box.clientWidth / box.scrollWidth) * 10 - 2) / 10;
        if (at < least) { box.style.removeProperty("font-size"); return; }
        box.style.setProperty("font-size", `${at}px`, "important");
      }
    });
  }

  const SCROLLING = "div.math, mjx-container, .bd-article table, .bd-article pre, .pan, .claim-graph";

  function markMore(box) {
    box.classList.toggle("more", box.scrollWidth - box.clientWidth - box.scrollLeft > 3 && getComputedStyle(box).overflowX === "auto");
  }

  function watchMore() {
    const sizes = new ResizeObserver((seen) => seen.forEach(({target}) => markMore(target)));
    document.querySelectorAll(SCROLLING).forEach((box) => {
      sizes.observe(box);
      box.addEventListener("scroll", () => markMore(box), {passive: true});
    });
  }

  function key(cell) {
    const text = cell.dataset.sort || cell.textContent.trim();
    const number = parseFloat(text);
    return text !== "" && !Number.isNaN(number) && /^[-+.\d]/.test(text) ? number : text;
  }

  function sortBy(table, column, button) {
    const body = table.tBodies[0];
    const down = button.getAttribute("aria-sort") === "ascending";
    const order = down ? -1 : 1;
    const rows = Array.from(body.rows);
    rows.sort((a, b) => {
      const x = key(a.cells[column]), y = key(b.cells[column]);
      if (typeof x === typeof y) {
        return order * (typeof x === "number" ? x - y : x.localeCompare(y));
      }
      return typeof x === "number" ? -1 : 1; // numbers first, whichever way
    });
    table.querySelectorAll("th").forEach((th) => th.removeAttribute("aria-sort"));
    button.setAttribute("aria-sort", down ? "descending" : "ascending");
    rows.forEach((row) => body.appendChild(row));
  }

  function copyButton(code) {
    const button = document.createElement("button");
    button.className = "copy";
    button.type = "button";
    button.textContent = "copy";
    button.setAttribute("aria-label", `Copy: ${code.textContent}`);
    button.addEventListener("click", () => {
      // a page opened from disk may have no clipboard of its own
      const range = document.createRange();
      range.selectNodeContents(code);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).catch(() => {});
      else document.execCommand("copy");
      button.textContent = "copied";
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });
    code.after(button);
  }

  // A claim under the pointer, or in focus: what its proof rests on stays lit, all else fades.
  function lightUp(svg, start) {
    const edges = Array.from(svg.querySelectorAll(".edge")), lit = new Set([start]);
    for (const name of lit) {
      edges.filter((e) => e.dataset.to === name).forEach((e) => lit.add(e.dataset.from));
    }
    svg.classList.toggle("focus", Boolean(start));
    edges.forEach((e) => e.classList.toggle("lit", lit.has(e.dataset.to)));
    svg.querySelectorAll("a.node").forEach((a) => a.classList.toggle("lit", lit.has(a.dataset.claim)));
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("code.command").forEach(copyButton);
    document.querySelectorAll("div.cell_output img").forEach((picture) => { // it scrolls, its caption does not
      const pan = document.createElement("div");
      pan.className = "pan";
      picture.before(pan);
      pan.append(picture);
    });
    document.querySelectorAll(".claim-graph svg").forEach((svg) => {
      svg.querySelectorAll("a.node[data-claim]").forEach((node) => {
        for (const on of ["pointerenter", "focus"]) node.addEventListener(on, () => lightUp(svg, node.dataset.claim));
        for (const off of ["pointerleave", "blur"]) node.addEventListener(off, () => lightUp(svg, null));
      });
    });
    document.querySelectorAll("table.sortable").forEach((table) => {
      table.querySelectorAll("thead th").forEach((th, column) => {
        th.tabIndex = 0;
        th.addEventListener("click", () => sortBy(table, column, th));
        th.addEventListener("keydown", (event) => {
          if (event.key === "Enter") sortBy(table, column, th);
        });
      });
    });
  });

  window.addEventListener("load", () => {
    const ready = window.MathJax && window.MathJax.startup && window.MathJax.startup.promise;
    Promise.resolve(ready).then(markWide).then(fitDisplays).then(watchMore);
    window.addEventListener("resize", () => { markWide(); fitDisplays(); });
    document.addEventListener("toggle", fitDisplays, true); // what a closed box holds has no width
  });
})();
