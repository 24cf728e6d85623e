// The stepper: four letters fall into K steps; those that share one are drawn apart, and turn red.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const root = document.getElementById("sharprates-stepper");
  if (!root) return;
  const {words, tv} = JSON.parse(document.getElementById("stepper-data").textContent);
  const list = Object.entries(words), steps = Object.keys(tv).map(Number);
  const LETTERS = "abcdefghijklmnopqrstuvwxyz", LENGTH = 4;

  // Letter → probability at a place, given the shown letters: what an exact denoiser predicts.
  function predict(shown, place) {
    const fits = list.filter(([word]) => shown.every((c, i) => c === null || word[i] === c));
    const law = {};
    // a context of probability 0 may be given any prediction
    (fits.length ? fits : list).forEach(([word, w]) => { law[word[place]] = (law[word[place]] || 0) + w; });
    const total = Object.values(law).reduce((a, b) => a + b, 0);
    for (const c of Object.keys(law)) law[c] /= total;
    return law;
  }

  function draw(law, u) {
    for (const c of LETTERS) {
      u -= law[c] || 0;
      if (u < 0) return c;
    }
    return Object.keys(law).pop();
  }

  // When each letter is revealed, and all partial states: K steps, or one letter at a time.
  function run(K, random) {
    let when = Array.from({length: LENGTH}, () => Math.floor(random() * K));
    if (K === Infinity) {
      const order = Array.from({length: LENGTH}, () => random());
      when = order.map((x) => order.filter((y) => y < x).length);
    }
    const shown = new Array(LENGTH).fill(null), states = [];
    for (const k of [...new Set(when)].sort((a, b) => a - b)) {
      const now = when.map((at, i) => (at === k ? i : -1)).filter((i) => i >= 0);
      const laws = now.map((i) => predict(shown, i)); // all from the state before the step
      now.forEach((i, n) => { shown[i] = draw(laws[n], random()); });
      states.push({step: k, now, shown: [...shown]});
    }
    return {states, word: shown.join("")};
  }

  root.innerHTML = `
    <div class="steer"><label>steps K <input type="range" min="0" max="${steps.length}" step="1" value="1"
      aria-label="number of steps"></label> <output class="K"></output>
      <button type="button" class="again">draw again</button></div>
    <div class="tiles" aria-live="polite"></div>
    <div class="meter"><div class="bar"></div><span></span></div>
    <p class="tally"></p>`;
  const slider = root.querySelector("input"), tiles = root.querySelector(".tiles");
  let drawn = 0, nonsense = 0;

  const chosen = () => (+slider.value < steps.length ? steps[+slider.value] : Infinity);

  function show() {
    const K = chosen(), {states, word} = run(K, Math.random), good = word in words;
    drawn += 1;
    nonsense += good ? 0 : 1;
    root.querySelector(".K").textContent = K === Infinity ? "one letter at a time" : `K = ${K}`;
    tiles.replaceChildren(...states.map(({step, now, shown}) => {
      const line = document.createElement("div");
      line.className = "line";
      const label = document.createElement("span");
      label.className = "when";
      label.textContent = `step ${step + 1}`;
      line.append(label, ...shown.map((c, i) => {
        const tile = document.createElement("span");
        const fresh = now.includes(i);
        tile.className = `tile${fresh ? (now.length > 1 ? " shared" : " fresh") : ""}`;
        tile.textContent = c || "";
        return tile;
      }));
      return line;
    }));
    const verdict = document.createElement("div");
    verdict.className = `verdict ${good ? "good" : "bad"}`;
    verdict.textContent = good ? `${word}: a word` : `${word}: not a word`;
    tiles.append(verdict);
    const exact = K === Infinity ? 0 : tv[K];
    root.querySelector(".bar").style.width = `${100 * exact}%`;
    root.querySelector(".meter span").textContent = `exact total variation ${exact.toFixed(3)}`;
    root.querySelector(".tally").textContent =
      `${drawn} drawn so far, ${nonsense} of them no words. Red: letters that share a step and do not know of each other.`;
  }

  slider.addEventListener("input", () => { drawn = 0; nonsense = 0; show(); });
  root.querySelector(".again").addEventListener("click", show);
  window.sharpratesStepper = {predict, run, tv, chosen};
  show();
});
