// Formulas wider than their column scroll in place; tables of class `sortable` sort by a click.
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
    Promise.resolve(ready).then(markWide);
    window.addEventListener("resize", markWide);
  });
})();
