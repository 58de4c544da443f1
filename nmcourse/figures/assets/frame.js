// The frame of a figure that responds: title, plots, controls, a line of text, Reset.
// It uses mount.js, arithmetic.js and drawing.js.
//
// nmFrame(id, spec, make) calls make(frame) once. What that returns is called after every change:
// it draws, and returns the line of text that a screen reader reads out.

// 2.7e-5 in a text as 2.7 × 10⁻⁵.
function nmPowers(text) {
  const up = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";
  return text.replace(/(\d)e([-+\u2212]?)0*(\d+)/g, (_, digit, sign, power) =>
    `${digit} \u00d7 10${sign === "" || sign === "+" ? "" : "\u207b"}${[...power].map((d) => up[+d]).join("")}`);
}

function nmFrame(id, spec, make) {
  const root = nmRoot(id);
  if (!root) return;
  const fallback = root.querySelector(".nm-fallback");
  if (fallback) fallback.remove();
  nmElement("p", { class: "nm-title" }, root, spec.title);
  const panels = nmElement("div", { class: "nm-panels" }, root);
  const controls = nmElement("div", { class: "nm-controls" }, root);
  const foot = nmElement("div", { class: "nm-foot" }, root);
  const readout = nmElement("p", { class: "nm-readout", "aria-live": "polite" }, foot);
  const resets = [];
  const widths = [];
  let update = null;
  let waiting = false;

  const draw = () => {
    waiting = false;
    try {
      const text = nmPowers(update());
      // Written only when it differs: a screen reader repeats what is written.
      if (readout.textContent !== text) readout.textContent = text;
      readout.classList.remove("nm-error");
    } catch (error) {
      readout.textContent = `This setting cannot be drawn: ${error.message}`;
      readout.classList.add("nm-error");
      console.error(error);
    }
  };
  const changed = () => {
    if (update && !waiting) { waiting = true; requestAnimationFrame(draw); }
  };
  const control = (kept) => {
    resets.push(kept.reset);
    return kept;
  };

  const frame = {
    root, panels, controls, foot, changed,
    onReset: (f) => resets.push(f),
    // A slider whose values are a list: { name, label, values, texts, start }
    slider(slider, parent) {
      const { index, set } = nmSlider(parent || controls, slider, changed);
      return control({
        value: () => slider.values[index()],
        index,
        // the value of the list that is nearest
        near(value) {
          const away = slider.values.map((v) => Math.abs(v - value));
          set(away.indexOf(Math.min(...away)));
          changed();
        },
        reset: () => set(slider.start),
      });
    },
    // One of a few: options is a list of texts
    choice(label, options, start, parent) {
      const box = nmElement("label", { class: "nm-choice" }, parent || controls);
      nmElement("span", {}, box, label);
      const select = nmElement("select", {}, box);
      options.forEach((text, k) => nmElement("option", { value: k }, select, text));
      select.value = start || 0;
      select.addEventListener("change", changed);
      return control({
        index: () => +select.value,
        set: (k) => { select.value = k; changed(); },
        reset: () => { select.value = start || 0; },
      });
    },
    button(text, pressed, parent) {
      const button = nmElement("button", { type: "button" }, parent || foot, text);
      button.addEventListener("click", pressed);
      return button;
    },
    // A plot with axes: { title, alt, xLabel, yLabel, x, y, ratio, equal, wide, legend }
    plot(options) {
      const box = nmElement("div", { class: "nm-panel" + (options.wide ? " nm-wide" : "") }, panels);
      if (options.title) nmElement("p", { class: "nm-panel-title" }, box, options.title);
      const holder = nmElement("div", { class: "nm-plot" }, box);
      const svg = nmElement("svg", { role: "img", "aria-label": options.alt }, holder);
      nmElement("desc", {}, svg, options.alt);
      if (options.legend) nmLegend(nmElement("ul", { class: "nm-legend" }, box), options.legend);
      const width = () => Math.max(230, Math.floor(holder.clientWidth || 600));
      widths.push(width);
      const plot = {
        svg, box, scales: null,
        // domains and changes replace what the options say
        show(curves, domains, changes) {
          const now = { ...options, ...changes };
          plot.scales = nmDraw(svg, now, curves, domains || [now.x, now.y], width());
        },
      };
      return plot;
    },
    // What can be dragged in a plot: grab(x, y) returns a handle or null, move(handle, x, y) moves it
    drag(plot, { grab, move }) {
      const { svg } = plot;
      let held = null;
      const place = (event) => {
        const box = svg.getBoundingClientRect();
        return [plot.scales.xAt(event.clientX - box.left), plot.scales.yAt(event.clientY - box.top)];
      };
      svg.addEventListener("pointerdown", (event) => {
        held = grab(...place(event));
        if (held !== null) svg.setPointerCapture(event.pointerId);
      });
      svg.addEventListener("pointermove", (event) => {
        if (held !== null) move(held, ...place(event));
        else svg.style.cursor = grab(...place(event)) === null ? "" : "grab";
      });
      for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => { held = null; });
      // A finger that starts on a handle drags it; anywhere else it scrolls the page.
      svg.addEventListener("touchstart", (event) => {
        if (grab(...place(event.touches[0])) !== null) event.preventDefault();
      }, { passive: false });
    },
  };

  update = make(frame);
  const reset = nmElement("button", { type: "button" }, foot, "Reset");
  reset.addEventListener("click", () => {
    for (const one of resets) one();
    changed();
  });
  let drawn = "";
  const fit = () => {
    const now = widths.map((width) => width()).join();
    if (now !== drawn) { drawn = now; draw(); }
  };
  draw();
  drawn = widths.map((width) => width()).join();
  if (window.ResizeObserver) new ResizeObserver(fit).observe(panels);
}
