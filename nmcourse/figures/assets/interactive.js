// A figure with sliders over curves: interactive.py calls nmMount(id, spec, simulate).
// It uses frame.js and what that uses.

function nmMount(id, spec, simulate) {
  nmFrame(id, spec, (frame) => {
    const entries = [...spec.curves, ...(spec.reference || [])];
    const plot = frame.plot({
      ...spec, title: "", wide: true, alt: `${spec.title}. ${spec.alt}`,
      legend: entries.length ? entries : null,
    });
    const sliders = spec.sliders.map((slider) => frame.slider(slider));
    let domains = null;
    return () => {
      domains = domains || nmDomains(spec, simulate);
      const state = nmState(spec, simulate, sliders.map((slider) => slider.index()));
      plot.show(state.curves, domains);
      return state.readout;
    };
  });
}
