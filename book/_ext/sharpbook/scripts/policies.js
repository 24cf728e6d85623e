// The panel of policies: rounds against error on some families, from formulas.js, drawn by plotly.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const root = document.getElementById("sharprates-policies");
  if (!root) return;
  const R = window.sharprates, F = R.policies, {controls, read, layout, drawing, first, ladder, words, rows, RANGES} = window.sharpratesSliders;
  const FAR = 2 ** 50;
  const KINDS = {
    policy: {dash: "solid", word: "a policy, exactly"},
    steps: {dash: "dash", word: "each token picks its step alone"},
    bound: {dash: "dash", word: "upper bound"},
    none: {dash: "dot", word: "no policy has less"},
    scan: {dash: "dot", word: "no blocks from left to right have less"},
  };
  const COLOURS = {policy: ["#0b6e99", "#8a5aa8", "#b08900"], steps: ["#c8553d", "#c13584"], bound: ["#c8553d", "#c13584"], none: ["#7d8794"], scan: ["#7d8794"]};

  // d tokens in R rounds of sizes that differ by one at most, the larger ones first.
  function equal(d, rounds) {
    const n = Math.min(d, rounds);
    return Array.from({length: n}, (_, i) => Math.floor(d / n) + (i < d % n ? 1 : 0));
  }

  const uniform = (K) => new Array(K).fill(1 / K);
  const from = (rounds, value) => (v) => (v.R < rounds(v) ? null : value(v));

  // Entry: [name, kind, claim, value in nats or TV at v.R rounds (null: not so many), from where on it is 0,
  // the largest R of a search, of what R must be a multiple].
  const entry = (name, kind, claim, value, {exact = null, most = () => FAR, every = () => 1} = {}) => ({name, kind, claim, value, exact, most, every});
  const single = entry("one token a round", "policy", "P2", from((v) => v.d, () => F["P2 one-token-exact"]({})), {exact: (v) => v.d});
  const short = {most: (v) => v.d};
  const inBlocks = (kind, key) => entry("L blocks of equal steps", kind, "P11", from((v) => (kind === "bound" ? v.d : v.L), (v) => F[key]({...v, K: v.R})), {every: (v) => v.L});

  const DATA = {
    copies: {
      title: (v) => `${words(v.d)} copies of one of ${words(v.S)} symbols`, uses: ["S"],
      entries: [
        single,
        entry("one token, then all others", "policy", "P3", from(() => 2, (v) => F["P3 copies"]({...v, n: 1})), {exact: () => 2}),
        entry("equal rounds", "policy", "P3", (v) => F["P3 copies"]({...v, n: v.sizes[0]}), short),
        entry("equal steps", "steps", "L2", (v) => F.L2({...v, w: uniform(v.R)}), {most: () => 2 ** 17}),
      ],
    },
    pairs: {
      title: (v) => `${words(v.d / 2)} pairs of equal symbols, S = ${words(v.S)}`, uses: ["S", "L"],
      entries: [
        single,
        entry("all first tokens, then their partners", "policy", "P1", from(() => 2, () => F.P1({block_tc: 0})), {exact: () => 2}),
        entry("blocks from left to right", "policy", "P11", (v) => (v.R > v.d / 2 || v.d % v.R ? null : F["P11 pairs"]({...v, L: v.R, K: v.R})), short),
        entry("equal steps", "steps", "P11", (v) => F["P11 pairs"]({...v, L: 1, K: v.R})),
        inBlocks("steps", "P11 pairs"),
      ],
    },
    parity: {
      title: (v) => `parity of ${words(v.d)} tokens, S = ${words(v.S)}`, divergence: true, uses: ["S"],
      entries: [
        single,
        entry("all but one token, then that", "policy", "KL1", from(() => 2, (v) => F.KL1({a: [v.d - 1, 1], h: v.parity})), {exact: () => 2}),
        entry("equal rounds", "policy", "KL1", (v) => F.KL1({a: v.sizes, h: v.parity}), short),
      ],
    },
    permutations: {
      title: (v) => `a random order of ${words(v.d)} symbols`, uses: [], longest: 128,
      entries: [
        single,
        entry("rounds of the best sizes", "policy", "P5", (v) => F["P5 least-tv"]({...v, R_max: v.R}), short),
        entry("equal rounds", "policy", "P5", (v) => F.P5({sizes: [[v.sizes, 1]]}), short),
        entry("any policy", "none", "P5", (v) => F["P5 rounds"](v), short),
      ],
    },
    "shared symbols": {
      title: (v) => `shared bits of ${words(v.d)} tokens`, uses: [],
      entries: [
        single,
        entry("equal rounds", "policy", "P7", (v) => F.P7({...v, sizes: [[v.sizes, 1]]}), short),
        entry("any policy", "none", "P7", (v) => F["P7 lower"]({...v, short: v.R < v.d ? 1 : 0}), short),
        entry("any step law at least", "steps", "L3", (v) => F["L3 every-law"]({...v, K: v.R})),
      ],
    },
    walk: {
      title: (v) => `a walk of ${words(v.d)} steps`, divergence: true, uses: [], longest: 1024,
      entries: [
        single,
        entry("bisection", "policy", "P6", from((v) => F["P6 rounds-one"](v), () => F.P6({})), {exact: (v) => F["P6 rounds-one"](v)}),
        entry("equal blocks from left to right", "policy", "P6", (v) => F["P6 walk"]({a: v.sizes}), short),
        entry("any blocks from left to right", "scan", "P6", (v) => F["P6 scan"]({...v, R_max: v.R}), short),
      ],
    },
    "any data": {
      title: (v) => `any ${words(v.d)} tokens, S = ${words(v.S)}`, uses: ["S", "L"],
      entries: [
        single,
        entry("equal steps", "bound", "E7", from((v) => v.d, (v) => F["E7 vocabulary"]({...v, K: v.R}))),
        inBlocks("bound", "P11 equal-blocks"),
      ],
    },
  };

  // What the formulas are evaluated at: lengths, sizes, and the laws' own numbers.
  function values(now, rounds) {
    const d = now.d;
    return {
      d, n: d, S: now.S, L: Math.min(now.L, d / 2), R: rounds, b: 2, epsilon: 1 - 1 / now.S, sizes: equal(d, rounds),
      parity: Array.from({length: d}, (_, m) => (m < d - 1 ? Math.log(now.S) : 0)),
    };
  }

  function value(now, one, rounds) {
    const data = DATA[now.data], v = values(now, rounds), every = one.every(v);
    if (rounds > one.most(v) || rounds % every) return null;
    const found = one.value(v);
    return found === null ? null : Math.max(0, data.divergence ? found : Math.min(1, found));
  }

  function evaluate(now, rounds) {
    return Object.fromEntries(DATA[now.data].entries.map((one) => [one.name, value(now, one, rounds)]));
  }

  // The least number of rounds with an error of at most ε, or null.
  function fewest(now, one) {
    const v = values(now, 1), every = one.every(v);
    const found = first((j) => {
      const y = value(now, one, j * every);
      return y !== null && y <= now.epsilon;
    }, one.most(v) / every);
    return found && found * every;
  }

  const named = (one, v) => one.name.replace(/^L /, `${v.L} `);

  function verdict(now) {
    const data = DATA[now.data], v = values(now, 1);
    const found = data.entries.map((one) => ({one, name: named(one, v), rounds: fewest(now, one)}));
    const orders = found.filter(({one}) => one.kind !== "none" && one.kind !== "scan");
    const least = Math.min(...orders.map(({rounds}) => rounds ?? Infinity));
    const alike = orders.filter(({rounds}) => rounds === least);
    const winners = least < v.d ? alike : alike.slice(0, 1); // d rounds are one token a round
    const others = orders.filter((it) => !winners.includes(it)).map(({one, name, rounds}) => {
      const capped = FAR > one.most(v) && one.most(v) > v.d;
      return `${name} ${rounds !== null ? words(rounds) : capped ? `more than ${words(one.most(v))}` : "never"}`;
    });
    const limit = found.find(({one, rounds}) => one.kind === "none" && rounds !== null && rounds < least);
    return `${data.title(v)}, ${data.divergence ? "a divergence of" : "TV"} at most ${now.epsilon.toPrecision(2)}: `
      + `${winners.map(({name}) => name).join(" and ")} ${winners.length > 1 ? "win" : "wins"} with ${words(least)} rounds. `
      + (others.length ? `Rounds of the others: ${others.join(", ")}.` : "")
      + (limit ? ` No policy has fewer than ${words(limit.rounds)}.` : "");
  }

  const CONTROLS = [
    ["data", "data", Object.keys(DATA).map((name) => [name, name])],
    ["d", "length d", ...RANGES.count(2, 12, 1, 6)],
    ["S", "vocabulary S", ...RANGES.count(1, 17, 1, 4)],
    ["epsilon", "error ε", ...RANGES.epsilon],
    ["R", "rounds R", ...RANGES.count(0, 12, 1, 4)],
    ["L", "blocks L", ...RANGES.count(1, 11, 1, 3)],
  ];
  const inputs = controls(root.querySelector(".controls"), CONTROLS, drawing(() => draw()));

  function setting() {
    const now = read(CONTROLS, inputs), {uses, longest = Infinity} = DATA[now.data];
    for (const name of ["S", "L"]) inputs[name].input.closest("label").hidden = !uses.includes(name);
    now.d = Math.min(now.d, longest);
    now.L = Math.min(now.L, now.d / 2);
    for (const name of ["d", "L"]) inputs[name].shown.textContent = words(now[name]);
    return now;
  }

  function draw() {
    const now = setting(), data = DATA[now.data], v = values(now, 1);
    const sentence = verdict(now);
    root.querySelector(".headline").textContent = sentence[0].toUpperCase() + sentence.slice(1);
    const wide = 2 ** Math.ceil(Math.log2(16 * now.d)), seen = (y) => (y === null || y < 1e-9 ? null : y);
    const used = {}, traces = data.entries.map((one) => {
      const colour = COLOURS[one.kind][used[one.kind] = (used[one.kind] ?? -1) + 1];
      const line = {dash: KINDS[one.kind].dash, width: 2.5, color: colour};
      if (one.exact) {
        return {name: `${one.name}: 0 from ${words(one.exact(v))} on`, x: [one.exact(v), one.exact(v)], y: [data.divergence ? 1e6 : 1, 1e-9], mode: "lines", line: {...line, width: 3}, hoverinfo: "name"};
      }
      const every = one.every(v), most = Math.min(wide, one.most(v)) / every;
      const x = (most <= 128 ? Array.from({length: most}, (_, i) => i + 1) : ladder(most)).map((j) => j * every);
      const y = x.map((rounds) => value(now, one, rounds)), shown = x.filter((_, i) => y[i] !== null);
      return {name: named(one, v), x: shown, y: y.filter((at) => at !== null).map(seen), mode: one.kind === "policy" && shown.length <= 20 ? "lines+markers" : "lines", line, hovertemplate: "%{x} rounds: %{y:.4g}"};
    });
    const top = data.divergence ? Math.max(1, ...traces.flatMap((t, i) => (data.entries[i].exact ? [] : t.y))) : 1;
    const shapes = [
      {type: "line", x0: 1, x1: wide, y0: now.epsilon, y1: now.epsilon, line: {color: "#888", width: 1, dash: "dot"}},
      {type: "line", x0: now.R, x1: now.R, yref: "paper", y0: 0, y1: 1, line: {color: "#888", width: 1}},
    ];
    Plotly.react("plot-policies", traces, layout({
      shapes, showlegend: true, hovermode: "closest",
      xaxis: {type: "log", dtick: 1, range: [0, Math.log10(wide)], title: {text: "rounds, or steps"}},
      yaxis: {type: "log", dtick: 1, exponentformat: "power", title: {text: data.divergence ? "divergence, nats" : "total variation"}, range: [-4.2, Math.log10(top) + 0.15]},
    }), {displayModeBar: false, responsive: true});
    const here = evaluate(now, now.R);
    rows(root.querySelector("tbody"), data.entries.map((one) => {
      const need = fewest(now, one), at = here[one.name];
      return [named(one, v), at === null ? "–" : at.toPrecision(4), need === null ? "" : words(need), `${KINDS[one.kind].word}: ${one.claim}`];
    }));
  }

  R.panel = {evaluate, fewest, verdict, setting, draw, data: Object.keys(DATA)};
  draw();
});
