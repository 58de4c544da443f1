// Element Finder step by step: nmElements(id, spec). It uses nm_rnn.js, frame.js and heat.js.

function nmElementsRun(net, query, elements) {
  return net.run([query, ...elements].map((number) => [number]));
}

function nmElements(id, spec) {
  // The network after each stage of its training, or the trained one alone.
  const nets = (spec.course.length ? spec.course : [spec.arrays]).map((arrays) => nmNmRnn(nmUnpack(arrays)));
  const draw = nmTools.normal(spec.seed);
  nmFrame(id, spec, (frame) => {
    const { looks, low, high } = spec;
    const length = spec.elements.length;
    let elements = spec.elements.slice();
    const number = (v) => String(v).replace("-", "\u2212");

    const box = nmElement("div", { class: "nm-panel nm-wide" }, frame.panels);
    nmElement("p", { class: "nm-panel-title" }, box, "The list, from place 0 on");
    const list = nmElement("ol", { class: "nm-list", start: 0 }, box);
    const steps = nmTools.range(0, length, length + 1);
    const output = frame.plot({
      title: "Output", alt: spec.alt, ratio: 0.75, xLabel: "step", yLabel: "output", x: [0, length], y: [1.25 * low, 1.25 * high],
      legend: [looks.output, looks.asked, looks.now],
    });
    const gains = frame.plot({
      title: "Gains", alt: "The gains of the trial.", ratio: 0.75, xLabel: "step", yLabel: "gain", x: [0, length], y: [0, 1.03],
      legend: looks.gains,
    });
    const step = frame.slider(spec.sliders.step);
    const query = frame.slider(spec.sliders.query);
    const trained = spec.sliders.trained ? frame.slider(spec.sliders.trained) : null;
    const value = frame.slider(spec.sliders.value);
    const change = frame.button("Put this number there", () => {
      if (step.index() > 0) elements[step.index() - 1] = value.value();
      frame.changed();
    }, frame.controls);
    frame.button("Another list", () => {
      elements = elements.map(() => Math.max(low, Math.min(high, Math.round(0.5 * high * draw()))));
      frame.changed();
    }, frame.controls);
    frame.onReset(() => { elements = spec.elements.slice(); });

    return () => {
      const now = step.index();
      const run = nmElementsRun(nets[trained ? trained.index() : 0], query.value(), elements);
      const y = run.y.map((v) => v[0]);
      const asked = elements[query.value()];
      list.replaceChildren();
      elements.forEach((v, k) => {
        const item = nmElement("li", {}, list, number(v));
        if (k === query.value()) item.classList.add("nm-asked");
        if (k === now - 1) item.setAttribute("aria-current", "step");
      });
      change.disabled = now === 0;
      const line = ([a, b]) => ({ ...looks.now, x: [now, now], y: [a, b] });
      output.show([line([2 * low, 2 * high]), { ...looks.asked, x: [0, length], y: [asked, asked] }, { ...looks.output, x: steps, y }]);
      gains.show([line([-1, 2]), ...looks.gains.map((look, k) => ({ ...look, x: steps, y: run.s.map((s) => s[k]) }))]);
      const hears = now === 0 ? `the query ${query.value()}` : `element ${now - 1}, which is ${number(elements[now - 1])}`;
      const after = trained ? `After ${trained.value()} training steps, step ${now}` : `Step ${now}`;
      return `${after}: the network receives ${hears}; output ${nmTools.fixed(y[now], 1)}. ` +
        `At the end it answers ${nmTools.fixed(y[length], 1)}; asked is ${number(asked)}.`;
    };
  });
}
