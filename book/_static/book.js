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
    const text = cell.dataset.sort ?? cell.textContent.trim();
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

  document.addEventListener("DOMContentLoaded", () => {
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
