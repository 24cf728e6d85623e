// The page with sliders: step laws and curves from formulas.js, drawn by plotly.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const root = document.getElementById("sharprates-app");
  if (!root) return;
  const R = window.sharprates, {controls, read, layout, drawing, first, ladder, words, rows, RANGES} = window.sharpratesSliders;
  const MOST = 4096;
  const WORK = 2 ** 21; // K·d up to which a step law's own curves are computed
  const STYLE = {
    upper: {dash: "dash", word: "upper bound, any data"},
    lower: {dash: "dot", word: "lower bound, any data"},
    exact: {dash: "solid", word: "exact TV of a family"},
    needed: {dash: "dashdot", word: "some data suffer at least this"},
  };
  const NAMES = {E2: "E2 decomposition", E3: "E3 birthday", E5: "E5 entropy (log S)", E7: "E7 closed form",
    E8: "E8 largest step", KL2: "KL2 with Pinsker", L0: "L0 leftover", L1: "L1 pairs", L2: "L2 copies",
    L4: "L4 parity", L6: "L6 groups"};
  const SHOWN = ["E3", "E5", "L6"]; // the others by a click on their name
  const COLOURS = ["#0b6e99", "#c8553d", "#5b8c3a", "#8a5aa8", "#b08900", "#7d8794", "#c13584", "#2a9d8f",
    "#e76f51", "#6a994e", "#9d4edd"];

  // --- step laws -------------------------------------------------------------------------------
  function times(setting, K) {
    const clock = R.clocks[setting.clock];
    const T = clock.end === Infinity ? Math.log(100 * setting.d) : clock.end;
    const t = Array.from({length: K + 1}, (_, k) => T * (1 - k / K));
    if (setting.grid === "uniform") return t;
    const low = clock.alpha({t: T});
    return t.map((start, k) => {
      if (k === 0 || k === K) return start;
      const wanted = low + (1 - low) * (k / K);
      let a = 0, b = T;
      for (let i = 0; i < 60; i++) {
        const middle = (a + b) / 2;
        if (clock.alpha({t: middle}) < wanted) b = middle; else a = middle;
      }
      return (a + b) / 2;
    });
  }

  function stepLaw(setting, K) {
    const rule = R.clocks[setting.clock].rules[setting.rule], t = times(setting, K);
    const w = new Array(K);
    let stay = 1;
    for (let k = 0; k < K; k++) {
      const r = Math.min(1, Math.max(0, rule({t: t[k], s: t[k + 1]})));
      w[k] = r * stay;
      stay *= 1 - r;
    }
    return w;
  }

  // --- what applies ----------------------------------------------------------------------------
  function values(setting, K) {
    const w = stepLaw(setting, K), left = 1 - w.reduce((a, b) => a + b, 0);
    return {
      d: setting.d, S: setting.S, K, w, W: Math.max(...w), I_bar: Math.log(setting.S),
      T: Math.log(100 * setting.d), epsilon_w: 0, epsilon_1: 0,
      g: Math.min(setting.d, 1 + Math.floor(Math.log2(setting.S))),
      free: left < 1e-12, even: left < 1e-12 && w.every((x) => Math.abs(x * K - 1) < 1e-9),
    };
  }

  const APPLIES = {
    E2: (v, s) => s.clock === "constant" && s.rule === "euler" && s.grid === "uniform",
    E7: (v) => v.even && v.K >= v.d,
    E8: (v) => v.free,
    KL2: (v) => v.free,
    L4: (v) => v.free,
    L6: (v) => v.g >= 2,
  };

  // Equal steps, worst data: the best bounds from below and above, in closed form at any K.
  function band(setting, K) {
    const v = {d: setting.d, S: setting.S, K, epsilon_w: 0, I_bar: Math.log(setting.S)};
    const upper = [R.answers.E3.value(v)];
    if (K >= setting.d) upper.push(R.answers.E7.value(v));
    const lower = [R.answers.L1.value(v)];
    for (let g = 2; g <= Math.min(setting.d, 1 + Math.floor(Math.log2(setting.S))); g++) {
      lower.push(R.answers.L6.value({...v, g}));
    }
    return [Math.max(0, ...lower), Math.min(1, ...upper)];
  }

  // Equal steps that some data need, and that are enough for all data.
  function answer(setting) {
    return [0, 1].map((side) => first((K) => band(setting, K)[side] <= setting.epsilon, 2 ** 50));
  }

  function evaluate(setting, K) {
    const v = values(setting, K), found = {};
    for (const [name, curve] of Object.entries(R.curves)) {
      const applies = (APPLIES[name] || (() => true))(v, setting);
      found[name] = applies ? Math.min(1, Math.max(0, curve.value(v))) : null;
    }
    return found;
  }

  // --- controls --------------------------------------------------------------------------------
  const CONTROLS = [
    ["d", "length d", ...RANGES.count(1, 12, 0.25, 6)],
    ["S", "vocabulary S", ...RANGES.count(1, 17, 1, 4)],
    ["epsilon", "error ε", ...RANGES.epsilon],
    ["K", "steps K", ...RANGES.count(0, 12, 0.25, 6)],
    ["clock", "clock", Object.keys(R.clocks).map((name) => [name, name])],
    ["rule", "rule", ["euler", "tau-leaping", "ancestral"].map((name) => [name, name])],
    ["grid", "grid, uniform in", [["uniform", "time"], ["alpha", "α"]]],
  ];
  const inputs = controls(root.querySelector(".controls"), CONTROLS, drawing(() => draw()));
  inputs.clock.input.value = "linear";

  const setting = () => read(CONTROLS, inputs);

  // --- drawing ---------------------------------------------------------------------------------
  function smallest(now, name) {
    // the first plotted power of two that reaches ε, then bisection below it
    const reached = (K) => {
      const y = evaluate(now, K)[name];
      return y !== null && y <= now.epsilon;
    };
    return first(reached, Math.min(MOST, WORK / now.d));
  }

  function draw() {
    const now = setting();
    const [needed, enough] = answer(now);
    root.querySelector(".headline").textContent = `With d = ${words(now.d)}, S = ${words(now.S)} and ε = ${now.epsilon.toPrecision(2)}: `
      + `some data need ${words(needed)} parallel steps, ${words(enough)} equal steps are enough for all data; `
      + `first hitting is exact with ${words(now.d)} calls.`;
    const wide = 2 ** Math.ceil(Math.log2(Math.max(MOST, 8 * enough)));
    const long = ladder(wide);
    const steps = long.filter((K) => K <= MOST && K * now.d <= WORK);
    const bands = long.map((K) => band(now, K));
    const table = steps.map((K) => evaluate(now, K));
    const here = now.K * now.d <= WORK ? evaluate(now, now.K) : {};
    const seen = (y) => (y < 1e-9 ? null : y);
    const traces = [
      {name: "needed by some data", x: long, y: bands.map((b) => seen(b[0])), mode: "lines", line: {width: 0}, showlegend: false, hoverinfo: "skip"},
      {name: "worst data, equal steps: between the bounds", x: long, y: bands.map((b) => seen(b[1])), mode: "lines", line: {width: 0},
        fill: "tonexty", fillcolor: "rgba(70, 155, 200, 0.36)", hovertemplate: "at most %{y:.3g}"},
      {name: "first hitting: 0 from d calls on", x: [now.d, now.d], y: [1, 1e-9], mode: "lines+markers", line: {width: 3, color: "#5b8c3a"}, hoverinfo: "name"},
      ...Object.entries(R.curves).map(([name, curve], i) => ({
        name: NAMES[name], x: steps, y: table.map((row) => (row[name] === null ? null : seen(row[name]))),
        mode: "lines", line: {dash: STYLE[curve.role].dash, width: 2, color: COLOURS[i]},
        visible: SHOWN.includes(name) ? true : "legendonly", hovertemplate: "%{y:.4g}",
      })),
    ];
    const shapes = [
      {type: "line", x0: 1, x1: wide, y0: now.epsilon, y1: now.epsilon, line: {color: "#888", width: 1, dash: "dot"}},
      {type: "line", x0: now.K, x1: now.K, yref: "paper", y0: 0, y1: 1, line: {color: "#888", width: 1}},
    ];
    Plotly.react("plot-rates", traces, layout({
      shapes, uirevision: "kept", hovermode: "closest",
      xaxis: {type: "log", dtick: 1, title: {text: "steps K"}}, yaxis: {type: "log", dtick: 1, exponentformat: "power", title: {text: "total variation"}, range: [-4.2, 0.1]},
    }), {displayModeBar: false, responsive: true});
    const w = stepLaw(now, now.K), left = Math.max(0, 1 - w.reduce((a, b) => a + b, 0));
    Plotly.react("plot-law", [{x: w.map((_, k) => k + 1), y: w, type: "scatter", mode: w.length > 120 ? "lines" : "lines+markers",
      line: {color: COLOURS[0]}, hovertemplate: "step %{x}: %{y:.3g}"}], layout({
      margin: {l: 55, r: 10, t: 10, b: 60}, xaxis: {range: [0.5, now.K + 0.5], title: {text: `step k of ${now.K}; left over ${left.toPrecision(2)}`}},
      yaxis: {title: {text: "w_k"}, rangemode: "tozero"},
    }), {displayModeBar: false, responsive: true});
    rows(root.querySelector("tbody"), Object.entries(R.curves).map(([name, curve]) => {
      const drawn = table.some((at) => at[name] !== null);
      const need = drawn ? smallest(now, name) : null;
      return [NAMES[name], here[name] === undefined ? "too long to draw" : here[name] === null ? "does not apply" : here[name].toPrecision(4),
        !drawn ? "" : need === null ? `above ${Math.min(MOST, Math.floor(WORK / now.d))}` : `${need}`, STYLE[curve.role].word];
    }));
  }

  Object.assign(R, {stepLaw, evaluate, answer, band, setting, draw});
  draw();
});
