// The named functions of the formulas, in floats. Same definitions as theory/functions.py.
(function () {
  "use strict";
  const sum = (x) => x.reduce((a, b) => a + b, 0);

  function before(w) {
    const t = new Array(w.length);
    let total = 0;
    w.forEach((x, k) => { t[k] = total; total += x; });
    return t;
  }

  function after(w) {
    const v = new Array(w.length);
    let total = 0;
    for (let k = w.length - 1; k >= 0; k--) { v[k] = total; total += w[k]; }
    return v;
  }

  // Bin(n, t)(0..n), from its mode outwards so that nothing underflows where the mass is.
  function binomialLaw(n, t, out) {
    if (t <= 0 || t >= 1) { out.fill(0); out[t <= 0 ? 0 : n] = 1; return out; }
    const mode = Math.min(n, Math.floor((n + 1) * t));
    out[mode] = 1;
    let total = 1;
    for (let m = mode; m < n; m++) total += out[m + 1] = out[m] * ((n - m) * t) / ((m + 1) * (1 - t));
    for (let m = mode; m > 0; m--) total += out[m - 1] = out[m] * (m * (1 - t)) / ((n - m + 1) * t);
    for (let m = 0; m <= n; m++) out[m] /= total;
    return out;
  }

  function rankLaw(d, w) {
    const law = new Float64Array(d), one = new Float64Array(d), t = before(w);
    w.forEach((x, k) => {
      if (x === 0) return;
      binomialLaw(d - 1, Math.min(t[k], 1), one);
      for (let m = 0; m < d; m++) law[m] += x * one[m];
    });
    return law;
  }

  // (m)_n/mⁿ
  function falling(m, n) {
    let kept = 1;
    for (let j = 0; j < n; j++) kept *= (m - j) / m;
    return kept;
  }

  // H(Bin(j, ½)), each computed once
  const entropies = [];
  function bits(j) {
    if (entropies[j] === undefined) {
      const law = binomialLaw(j, 0.5, new Float64Array(j + 1));
      entropies[j] = -sum(Array.from(law, (p) => (p > 0 ? p * Math.log(p) : 0)));
    }
    return entropies[j];
  }

  const N = {
    Leftover: (w) => 1 - sum(w),
    Conditioned: (w) => { const s = sum(w); return s === 0 ? w : w.map((x) => x / s); },
    SumOfSquares: (w) => sum(w.map((x) => x * x)),
    Largest: (w) => w.reduce((a, b) => Math.max(a, b), 0),
    DistinctSteps: (d, w) => {
      const e = new Float64Array(d + 1);
      e[0] = 1;
      w.forEach((x) => { for (let n = d; n > 0; n--) e[n] += n * x * e[n - 1]; });
      return e[d];
    },
    Birthday: (d, K) => {
      let p = 1;
      for (let j = 0; j < Math.min(d, K + 1); j++) p *= (K - j) / K;
      return p;
    },
    RankDistance: (d, w) => sum(Array.from(rankLaw(d, w), (x) => Math.abs(x - 1 / d))) / 2,
    FirstBlock: (d, S, w) => {
      const v = after(w);
      return S * sum(w.map((x, k) => Math.pow(x / S + v[k], d) - Math.pow(v[k], d)));
    },
    LastBlock: (d, w) => {
      const t = before(w);
      return Math.pow(sum(w), d) - d * sum(w.map((x, k) => x * Math.pow(t[k], d - 1)));
    },
    BlockDivergence: (a, h) => {
      let total = 0, n = 0;
      a.forEach((size) => { for (let r = 0; r < size; r++) total += h[n] - h[n + r]; n += size; });
      return total;
    },
    // sizes: pairs of block sizes in order and their probability
    PermutationsKept: (sizes) => sum(sizes.map(([blocks, p]) => {
      let masked = sum(blocks);
      return blocks.reduce((kept, n) => { kept *= falling(masked, n); masked -= n; return kept; }, p);
    })),
    PermutationsBest: (d, R) => {
      let best = [1, ...new Array(d).fill(0)]; // of m tokens still masked
      for (let k = 0; k < R; k++) {
        best = best.map((_, m) => {
          let most = m === 0 ? 1 : 0, kept = 1;
          for (let n = 1; n <= m; n++) {
            kept *= (m - n + 1) / m;
            most = Math.max(most, kept * best[m - n]);
          }
          return most;
        });
      }
      return best[d];
    },
    SharedKept: (b, sizes) => sum(sizes.map(([blocks, p]) => p * Math.pow(b, -sum(blocks.map((n) => n * (n - 1) / 2))))),
    WalkDivergence: (a) => sum(a.map((size) => {
      let total = 0;
      for (let j = 2; j <= size; j++) total += bits(j) - Math.LN2;
      return total;
    })),
    BinaryDigits: (n) => Math.floor(Math.log2(n)) + 1,
    Root: (x) => Math.sqrt(Math.max(x, 0)),
  };
  window.sharpratesNamed = N;
})();
