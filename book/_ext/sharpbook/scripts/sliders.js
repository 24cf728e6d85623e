// What the panels with sliders share: their controls, the look of their plots, and the first K.
(function () {
  "use strict";

  // One control for each [name, label, spec, read, show]: a slider, or a list of [value, text].
  function controls(panel, list, changed) {
    const inputs = {};
    for (const [name, label, spec] of list) {
      const box = document.createElement("label");
      const input = document.createElement(Array.isArray(spec) ? "select" : "input");
      if (Array.isArray(spec)) {
        spec.forEach(([value, text]) => input.add(new Option(text, value)));
      } else {
        Object.assign(input, spec);
        input.value = spec.value;
      }
      input.id = `${panel.dataset.prefix}-${name}`;
      const text = document.createElement("span"), shown = document.createElement("output");
      text.textContent = label;
      box.append(text, input, shown);
      panel.append(box);
      inputs[name] = {input, shown};
      input.addEventListener("input", changed);
    }
    return inputs;
  }

  // The values of the controls, which are shown beside them.
  function read(list, inputs) {
    const found = {};
    for (const [name, , , value, show] of list) {
      const raw = inputs[name].input.value;
      found[name] = value ? value(raw) : raw;
      inputs[name].shown.textContent = value ? show(found[name]) : "";
    }
    return found;
  }

  function layout(more) {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--pst-color-text-base").trim() || "#222";
    const grid = style.getPropertyValue("--pst-color-border").trim() || "#ccc";
    const axis = {gridcolor: grid, zeroline: false, linecolor: grid};
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: {color: ink, size: 12},
      margin: {l: 55, r: 10, t: 10, b: 45}, ...more,
      // below the axis' title, which is further down in parts of a plot that a long legend makes low
      legend: {orientation: "h", y: window.innerWidth < 600 ? -0.32 : -0.22, traceorder: "normal", font: {size: 11}},
      xaxis: {...axis, ...more.xaxis}, yaxis: {...axis, ...more.yaxis},
    };
  }

  // Draw once a frame, however often it is asked for; and again where the theme changes.
  function drawing(draw) {
    let pending = false;
    new MutationObserver(draw).observe(document.documentElement, {attributeFilter: ["data-theme"]});
    return () => {
      if (pending) return;
      pending = true;
      requestAnimationFrame(() => { pending = false; draw(); });
    };
  }

  // The least K up to `most` at which something holds that holds from some K on; null if none.
  function first(reached, most) {
    let low = 0, high = 1;
    while (high <= most && !reached(high)) { low = high; high *= 2; }
    if (high > most) return null;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (reached(middle)) high = middle; else low = middle;
    }
    return high;
  }

  // 1, 1.4, 2, 2.8, 4, … up to `most`, as whole numbers.
  function ladder(most) {
    const all = Array.from({length: 2 * Math.floor(Math.log2(most)) + 1}, (_, i) => Math.round(2 ** (i / 2)));
    return all.filter((K, i) => i === 0 || K > all[i - 1]);
  }

  const words = (x) => x.toLocaleString("en").replaceAll(",", "\u202f");

  function rows(body, cells) {
    body.replaceChildren(...cells.map((texts) => {
      const row = document.createElement("tr");
      texts.forEach((text) => { const td = document.createElement("td"); td.textContent = text; row.append(td); });
      return row;
    }));
  }

  const RANGES = { // of sliders that both panels have: [spec, value, text]
    epsilon: [{type: "range", min: -3, max: -0.3, step: 0.1, value: -1}, (x) => 10 ** +x, (x) => x.toPrecision(2)],
    count: (min, max, step, value) => [{type: "range", min, max, step, value}, (x) => Math.round(2 ** +x), words],
  };

  window.sharpratesSliders = {controls, read, layout, drawing, first, ladder, words, rows, RANGES};
})();
