// Draws curves in an inline SVG, and makes the controls beside them: no library, no network.
// It uses arithmetic.js. The figures that respond share it.

// ---- Drawing ---------------------------------------------------------------------------------

function nmElement(name, attributes, parent, text) {
  const svg = ["svg", "g", "path", "line", "text", "desc", "rect"].includes(name);
  const element = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  if (parent) parent.appendChild(element);
  return element;
}

const NM_DASHES = { solid: "", dashed: "7 4", dotted: "1.5 3.5", dashdot: "8 3 1.5 3" };

function nmMarkerPath(marker, x, y, r) {
  const at = (dx, dy) => `${(x + dx * r).toFixed(1)} ${(y + dy * r).toFixed(1)}`;
  const shapes = {
    s: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
    D: [[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]],
    "^": [[0, -1.15], [1.1, 0.9], [-1.1, 0.9]],
    v: [[0, 1.15], [1.1, -0.9], [-1.1, -0.9]],
  };
  if (marker === "x" || marker === "+") {
    const d = marker === "x" ? [[-1, -1], [1, 1], [-1, 1], [1, -1]] : [[-1.2, 0], [1.2, 0], [0, -1.2], [0, 1.2]];
    return `M${at(...d[0])}L${at(...d[1])}M${at(...d[2])}L${at(...d[3])}`;
  }
  if (shapes[marker]) return "M" + shapes[marker].map((p) => at(...p)).join("L") + "Z";
  return `M${at(-1, 0)}A${r} ${r} 0 1 0 ${at(1, 0)}A${r} ${r} 0 1 0 ${at(-1, 0)}Z`;
}

function nmDrawCurve(parent, curve, xScale, yScale) {
  if (curve.line !== "none") {
    nmElement("path", {
      d: nmPath(curve.x, curve.y, xScale, yScale),
      fill: "none",
      stroke: curve.colour,
      "stroke-width": curve.width || 2.4,
      "stroke-dasharray": NM_DASHES[curve.line] || "",
      "stroke-linejoin": "round",
      "stroke-linecap": curve.line === "dotted" ? "round" : "butt",
      "data-curve": curve.name,
    }, parent);
    return;
  }
  const size = curve.y.length > 30 ? 3 : 4.5;
  // Hundreds of discs are drawn as dots of one thick line: much faster than as circles.
  const dots = curve.y.length > 200 && curve.filled && curve.marker === "o";
  let path = "";
  for (let k = 0; k < curve.y.length; k++) {
    const px = xScale(curve.x[k]);
    const py = yScale(curve.y[k]);
    if (px !== null && py !== null && Math.abs(px) < 1e4 && Math.abs(py) < 1e4) {
      path += dots ? `M${px.toFixed(1)} ${py.toFixed(1)}h0` : nmMarkerPath(curve.marker, px, py, size);
    }
  }
  nmElement("path", {
    d: path,
    fill: curve.filled ? curve.colour : "var(--nm-bg)",
    stroke: curve.colour,
    "stroke-width": dots ? 2 * size + 1 : curve.filled ? 1 : 2,
    "stroke-linecap": dots ? "round" : "butt",
    "data-curve": curve.name,
  }, parent);
}

function nmDraw(svg, spec, curves, domains, width) {
  const log = spec.yScale === "log";
  let [xDomain, yDomain] = domains;
  const ratio = spec.ratio || (spec.equal ? 0.82 : width < 480 ? 0.68 : 0.5);
  const height = Math.round(Math.max(spec.ratio ? 150 : 200, Math.min(width * ratio, spec.equal ? 470 : 380)));
  const top = 26;
  const bottom = height - 44;
  const yTicks = (domain) => (log ? nmLogTicks(...domain) : nmTicks(...domain, (bottom - top) / 42));
  const widest = Math.max(...yTicks(yDomain).map((tick) => tick.text.length), 2);
  const left = 14 + 7.4 * widest;
  const right = width - 12;
  if (spec.equal) [xDomain, yDomain] = nmEqual(xDomain, yDomain, right - left, bottom - top);
  const xScale = nmScale(xDomain, [left, right], false);
  const yScale = nmScale(yDomain, [bottom, top], log);

  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  while (svg.lastChild && svg.lastChild.nodeName !== "desc") svg.removeChild(svg.lastChild);

  const axes = nmElement("g", { "aria-hidden": "true" }, svg);
  const inner = (tick, [a, b]) => tick.value >= a - 1e-9 * (b - a) && tick.value <= b + 1e-9 * (b - a);
  for (const tick of yTicks(yDomain).filter((t) => inner(t, yDomain))) {
    const y = yScale(tick.value).toFixed(1);
    nmElement("line", { x1: left, x2: right, y1: y, y2: y, stroke: "var(--nm-grid)" }, axes);
    nmElement("text", { x: left - 7, y: +y + 4.5, "text-anchor": "end" }, axes, tick.text);
  }
  for (const tick of nmTicks(...xDomain, (right - left) / 74).filter((t) => inner(t, xDomain))) {
    const x = xScale(tick.value).toFixed(1);
    nmElement("line", { x1: x, x2: x, y1: bottom, y2: bottom + 5, stroke: "var(--nm-axis)" }, axes);
    nmElement("text", { x, y: bottom + 19, "text-anchor": "middle" }, axes, tick.text);
  }
  nmElement("line", { x1: left, x2: right, y1: bottom, y2: bottom, stroke: "var(--nm-axis)" }, axes);
  nmElement("line", { x1: left, x2: left, y1: top, y2: bottom, stroke: "var(--nm-axis)" }, axes);
  nmElement("text", { x: 2, y: 13, class: "nm-axis-label" }, axes, spec.yLabel);
  nmElement("text", {
    x: (left + right) / 2, y: bottom + 38, "text-anchor": "middle", class: "nm-axis-label",
  }, axes, spec.xLabel);

  // A nested svg clips what leaves the plot, without an id that could clash on the page.
  const plot = nmElement("svg", {
    x: left - 6, y: top - 6, width: right - left + 12, height: bottom - top + 12,
    style: "overflow:hidden",
  }, svg);
  const shift = (scale, by) => (v) => { const p = scale(v); return p === null ? null : p - by; };
  for (const curve of curves) nmDrawCurve(plot, curve, shift(xScale, left - 6), shift(yScale, top - 6));
  // Where a point of the screen lies in the plot, for a start that is dragged.
  const back = ([a, b], [p, q]) => (pixel) => a + ((pixel - p) / (q - p)) * (b - a);
  return { xAt: back(xDomain, [left, right]), yAt: back(yDomain, [bottom, top]) };
}

function nmLegend(list, curves) {
  for (const curve of curves) {
    const item = nmElement("li", {}, list);
    const key = nmElement("svg", { width: 34, height: 14, "aria-hidden": "true" }, item);
    const ends = curve.line === "none" ? [17] : [1, 33];
    nmDrawCurve(key, { ...curve, x: ends, y: ends.map(() => 7) }, (v) => v, (v) => v);
    nmElement("span", {}, item, curve.name);
  }
}

// ---- Controls ---------------------------------------------------------------------------------

function nmSlider(controls, slider, changed) {
  const label = nmElement("label", { class: "nm-slider" }, controls);
  const line = nmElement("span", { class: "nm-slider-text" }, label);
  nmElement("span", {}, line, slider.label);
  const value = nmElement("span", { class: "nm-value", "aria-hidden": "true" }, line);
  const input = nmElement("input", {
    type: "range", min: 0, max: slider.values.length - 1, step: 1, "data-slider": slider.name,
    "aria-label": slider.label,
  }, label);
  const show = () => {
    value.textContent = slider.texts[+input.value];
    input.setAttribute("aria-valuetext", slider.texts[+input.value]);
  };
  const set = (index) => { input.value = index; show(); };
  input.addEventListener("input", () => { show(); changed(); });
  set(slider.start);
  return { index: () => +input.value, set };
}
