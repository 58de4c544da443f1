// Where Euler's steps leave silence, and where the equation does: nmSteps(id, spec).
// It uses weights.js, frame.js and what they use. Eigenvalues are { re, im } of the matrix W.

// What one step multiplies each mode by: 1 - alpha + alpha g lambda.
function nmStepFactors({ re, im }, gain, alpha) {
  return {
    re: Array.from(re, (a) => 1 - alpha + alpha * gain * a),
    im: Array.from(im, (b) => alpha * gain * b),
  };
}

// The gains at which silence ends: [equation, steps]; Infinity for never, as in silence_ends.
function nmSilenceEnds({ re, im }, alpha) {
  let [equation, steps] = [Infinity, Infinity];
  re.forEach((a, k) => {
    if (a > 0) equation = Math.min(equation, 1 / a);
    const size = alpha * alpha * (a * a + im[k] * im[k]);
    const half = alpha * (1 - alpha) * a;
    const root = size > 0 ? (-half + Math.sqrt(half * half + size * (1 - (1 - alpha) ** 2))) / size : Infinity;
    steps = Math.min(steps, root);
  });
  return [equation, steps];
}

// How many modes grow: [by the equation, with steps].
function nmGrowing(modes, gain, alpha) {
  const factors = nmStepFactors(modes, gain, alpha);
  const beyond = factors.re.filter((a, k) => Math.hypot(a, factors.im[k]) > 1).length;
  return [modes.re.filter((a) => gain * a > 1).length, beyond];
}

function nmSteps(id, spec) {
  const modes = nmUnpack(spec.modes);
  const { tau, looks, gainRange, dts } = spec;
  const turn = nmTools.range(0, 2 * Math.PI, 121);
  const circle = (middle, radius) => ({
    x: turn.map((t) => middle + radius * Math.cos(t)), y: turn.map((t) => radius * Math.sin(t)),
  });
  const fine = nmTools.range(dts[0], dts[dts.length - 1], 80);
  const ends = fine.map((dt) => nmSilenceEnds(modes, dt / tau));
  nmFrame(id, spec, (frame) => {
    const plane = frame.plot({
      title: "Eigenvalues of gW", alt: spec.alt, equal: true, ratio: 0.95, xLabel: "real part", yLabel: "imaginary part",
      x: spec.plane, y: spec.plane, legend: [looks.inside, looks.outside, looks.line, looks.disc],
    });
    const after = frame.plot({
      title: "What one step multiplies by", alt: "Step factors 1 - alpha + alpha g lambda and the unit circle.", equal: true,
      ratio: 0.95, xLabel: "real part", yLabel: "imaginary part", x: [-1.6, 1.6], y: [-1.6, 1.6],
      legend: [looks.inside, looks.outside, looks.unit],
    });
    const where = frame.plot({
      title: "Where silence ends: drag the mark", alt: "The gain at which silence ends, against the step.", wide: true, ratio: 0.36,
      xLabel: "step dt (ms)", yLabel: "gain g", x: [0, dts[dts.length - 1]], y: gainRange,
      legend: [looks.steps, looks.equation, looks.now],
    });
    const gain = frame.slider(spec.sliders[0]);
    const dt = frame.slider(spec.sliders[1]);
    const near = (x, y) => Math.hypot(
      (x - dt.value()) / dts[dts.length - 1], (y - gain.value()) / (gainRange[1] - gainRange[0])) < 0.09;
    frame.drag(where, { grab: (x, y) => (near(x, y) ? 0 : null), move: (_, x, y) => { dt.near(x); gain.near(y); } });
    return () => {
      const [g, step] = [gain.value(), dt.value()];
      const alpha = step / tau;
      const factors = nmStepFactors(modes, g, alpha);
      const grows = factors.re.map((a, k) => Math.hypot(a, factors.im[k]) > 1);
      const split = (look, kept, re, im, scale) => ({
        ...look, x: Array.from(re).filter((_, k) => grows[k] === kept).map((v) => scale * v),
        y: Array.from(im).filter((_, k) => grows[k] === kept).map((v) => scale * v),
      });
      plane.show([
        { ...looks.line, x: [1, 1], y: [-9, 9] }, { ...looks.disc, ...circle(1 - 1 / alpha, 1 / alpha) },
        split(looks.inside, false, modes.re, modes.im, g), split(looks.outside, true, modes.re, modes.im, g),
      ]);
      after.show([
        { ...looks.unit, ...circle(0, 1) },
        split(looks.inside, false, factors.re, factors.im, 1), split(looks.outside, true, factors.re, factors.im, 1),
      ]);
      where.show([
        { ...looks.steps, x: fine, y: ends.map((e) => e[1]) }, { ...looks.equation, x: [0, dts[dts.length - 1]], y: [ends[0][0], ends[0][0]] },
        { ...looks.now, x: [step], y: [g] },
      ]);
      const [equation, steps] = nmSilenceEnds(modes, alpha);
      const [slow, fast] = nmGrowing(modes, g, alpha);
      const at = (v) => (Number.isFinite(v) ? `at g = ${nmTools.fixed(v, 3)}` : "nowhere");
      return `dt = ${step} ms, \u03b1 = ${nmTools.fixed(alpha, 2)}: silence ends ${at(steps)} with steps, ${at(equation)} by the equation. ` +
        `At g = ${nmTools.fixed(g, 2)} of ${modes.re.length} modes ${fast} grow with steps, ${slow} by the equation.`;
    };
  });
}
