// The arithmetic of a figure with sliders: no page is needed, and node can test it.
// interactive.py puts this text before interactive.js, in a function of their own.

// ---- What a simulation may use: nm.range, nm.euler, ... -------------------------------------

const nmTools = {
  // n values from low to high, both included
  range(low, high, n) {
    return Array.from({ length: n }, (_, k) => low + ((high - low) * k) / (n - 1));
  },
  // Euler's method: x <- x + dt f(x, t), n steps; x is a number or an array of numbers
  euler(f, start, dt, n) {
    const t = [0];
    const x = [start];
    for (let k = 0; k < n; k++) {
      const now = x[k];
      const rate = f(now, t[k]);
      x.push(Array.isArray(now) ? now.map((v, i) => v + dt * rate[i]) : now + dt * rate);
      t.push((k + 1) * dt);
    }
    return { t, x };
  },
  sigmoid: (v) => 1 / (1 + Math.exp(-v)),
  // a function that draws numbers from 0 to 1, the same for the same seed
  uniform(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let v = Math.imul(state ^ (state >>> 15), 1 | state);
      v = (v + Math.imul(v ^ (v >>> 7), 61 | v)) ^ v;
      return ((v ^ (v >>> 14)) >>> 0) / 4294967296;
    };
  },
  // a function that draws standard normal numbers, the same for the same seed
  normal(seed) {
    const uniform = nmTools.uniform(seed);
    return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  },
  // a number as text with a true minus sign
  fixed: (v, digits) => (Number.isFinite(v) ? v.toFixed(digits).replace("-", "\u2212") : "\u2013"),
};

// ---- Axes -----------------------------------------------------------------------------------

function nmTicks(low, high, count) {
  const rough = (high - low) / Math.max(count, 1);
  const power = Math.pow(10, Math.floor(Math.log10(rough)));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= rough * 0.999) || 10);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
    const value = k * step;
    const large = Math.abs(value) >= 1e5 || (step < 1e-4 && value !== 0);
    const text = large ? value.toExponential(1) : (k === 0 ? 0 : value).toFixed(Math.min(digits, 6));
    ticks.push({ value, text: text.replace(/-/g, "\u2212") });
  }
  return ticks;
}

function nmLogTicks(low, high) {
  const up = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const every = Math.max(1, Math.ceil((last - first) / 6));
  const ticks = [];
  for (let p = first; p <= last; p += every) {
    const power = String(Math.abs(p)).replace(/\d/g, (d) => up[+d]);
    ticks.push({ value: Math.pow(10, p), text: "10" + (p < 0 ? "\u207b" : "") + power });
  }
  return ticks.length > 1 ? ticks : nmTicks(low, high, 4);
}

function nmSpan(values, log) {
  let low = Infinity;
  let high = -Infinity;
  for (const v of values) {
    if (v === null || !Number.isFinite(v) || (log && v <= 0)) continue;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  if (low > high) return log ? [0.1, 1] : [0, 1];
  if (log) return low === high ? [low / 2, high * 2] : [low, high];
  const pad = low === high ? Math.abs(low) * 0.1 || 1 : (high - low) * 0.04;
  return [low - pad, high + pad];
}

function nmScale(domain, pixels, log) {
  const f = log ? (v) => Math.log10(v) : (v) => v;
  const [a, b] = domain.map(f);
  return (v) =>
    v === null || !Number.isFinite(v) || (log && v <= 0)
      ? null
      : pixels[0] + ((f(v) - a) / (b - a)) * (pixels[1] - pixels[0]);
}

// The same number of pixels per unit on both axes: widen the range that is too short.
function nmEqual(xDomain, yDomain, width, height) {
  const perUnit = Math.min(width / (xDomain[1] - xDomain[0]), height / (yDomain[1] - yDomain[0]));
  const widen = ([a, b], pixels) => {
    const extra = (pixels / perUnit - (b - a)) / 2;
    return [a - extra, b + extra];
  };
  return [widen(xDomain, width), widen(yDomain, height)];
}

function nmPath(xs, ys, xScale, yScale) {
  let path = "";
  let pen = false;
  for (let k = 0; k < ys.length; k++) {
    const px = xScale(xs[k]);
    const py = yScale(ys[k]);
    // Far outside the plot the exact place does not matter; a huge number breaks the drawing.
    const inside = px !== null && py !== null && Math.abs(px) < 1e5;
    if (inside) {
      const y = Math.max(-1e5, Math.min(1e5, py));
      path += (pen ? "L" : "M") + px.toFixed(1) + " " + y.toFixed(1);
    }
    pen = inside;
  }
  return path;
}

// ---- What is shown for one setting of the sliders --------------------------------------------

function nmSettings(sliders, indices) {
  const settings = {};
  sliders.forEach((slider, k) => (settings[slider.name] = slider.values[indices[k]]));
  return settings;
}

function nmState(spec, simulate, indices) {
  const fixed = spec.reference || [];
  if (!simulate) {
    const row = spec.sliders.reduce((r, slider, k) => r * slider.values.length + indices[k], 0);
    const at = (table) => (Array.isArray(table[0]) ? table[Math.min(row, table.length - 1)] : table);
    const moving = spec.curves.map((curve) => ({
      ...curve,
      x: at(curve.x || spec.x),
      y: at(curve.y),
    }));
    return { curves: [...fixed, ...moving], readout: spec.readouts ? spec.readouts[row] : "" };
  }
  const result = simulate(nmSettings(spec.sliders, indices), nmTools);
  if (!result || typeof result.curves !== "object") {
    throw new Error("the simulation must return {curves: {name: {x, y}}}");
  }
  const known = spec.curves.map((curve) => curve.name);
  const unknown = Object.keys(result.curves).find((name) => !known.includes(name));
  if (unknown) throw new Error(`curve "${unknown}" is not among ${known.join(", ")}`);
  const moving = [];
  for (const curve of spec.curves) {
    const data = result.curves[curve.name];
    if (!data) continue;
    const y = Array.from(data.y || data);
    const x = Array.from(data.x || spec.x || y.map((_, k) => k));
    if (x.length !== y.length) throw new Error(`curve "${curve.name}": x and y differ in length`);
    moving.push({ ...curve, x, y });
  }
  return { curves: [...fixed, ...moving], readout: result.readout || "" };
}

// The range of both axes over the start and all corners of the sliders, unless it is given.
function nmDomains(spec, simulate) {
  const log = spec.yScale === "log";
  let xDomain = spec.xRange;
  let yDomain = spec.yRange;
  if (xDomain && yDomain) return [xDomain, yDomain];
  let settings = [spec.sliders.map((slider) => slider.start)];
  spec.sliders.forEach((slider, k) => {
    const ends = [0, slider.values.length - 1];
    settings = settings.concat(
      ...ends.map((end) => settings.map((old) => old.map((v, j) => (j === k ? end : v))))
    );
  });
  const xs = [];
  const ys = [];
  for (const indices of settings) {
    for (const curve of nmState(spec, simulate, indices).curves) {
      for (const v of curve.x) xs.push(v);
      for (const v of curve.y) ys.push(v);
    }
  }
  xDomain = xDomain || nmSpan(xs, false);
  yDomain = yDomain || nmSpan(ys, log);
  return [xDomain, yDomain];
}

if (typeof module !== "undefined" && module.exports) {
  module.exports = {
    nmTools, nmTicks, nmLogTicks, nmSpan, nmScale, nmEqual, nmPath, nmState, nmDomains,
  };
}
