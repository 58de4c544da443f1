// Stored gains of another task swapped in during a trial: nmStoredGains(id, spec).
// It uses nm_rnn.js, frame.js and what they use.

// inputs, gains: (task, angle, time, channel), flat with a shape
function nmTable(table, task, angle) {
  const [, angles, steps, channels] = table.shape;
  const from = (task * angles + angle) * steps * channels;
  return Array.from({ length: steps }, (_, t) => table.slice(from + t * channels, from + (t + 1) * channels));
}

// A trial of task `own`, with its stored gains before the step `swap` and those of `other` from it on.
function nmStoredGainsRun(net, tables, { own, other, angle, swap }) {
  const gains = [own, other].map((task) => nmTable(tables.gains, task, angle));
  // The gains are given: the modulator, which would need a context, has no part in it.
  const inputs = nmTable(tables.inputs, own, angle);
  return net.run(inputs, { gains: (_, t) => gains[t < swap ? 0 : 1][t] });
}

function nmAngleOf([, sin, cos]) {
  return ((Math.atan2(sin, cos) * 180) / Math.PI + 360) % 360;
}

function nmStoredGains(id, spec) {
  const arrays = nmUnpack(spec.arrays);
  const net = nmNmRnn({ ...arrays, modulator_input: nmUnpack(spec.noModulatorInput) });
  const tables = { inputs: nmUnpack(spec.inputs), gains: nmUnpack(spec.gains) };
  const steps = tables.inputs.shape[2];
  const time = Array.from({ length: steps }, (_, t) => t * net.dt);
  nmFrame(id, spec, (frame) => {
    const { looks, names } = spec;
    const whole = [0, time[steps - 1]];
    const output = frame.plot({
      title: "Outputs", alt: spec.alt, ratio: 0.75, xLabel: "time (ms)", yLabel: "output", x: whole, y: [-1.5, 1.5],
      legend: [...looks.outputs, looks.swap],
    });
    const circle = frame.plot({
      title: "The answer on the circle", alt: "Stimulus, asked angle and the path of the answer.", equal: true, ratio: 0.75,
      xLabel: "cos", yLabel: "sin", x: [-1.4, 1.4], y: [-1.4, 1.4], legend: [looks.path, looks.stimulus, looks.end],
    });
    const gains = frame.plot({
      title: "Gains", alt: "The gains that the output network is given.", wide: true, ratio: 0.3, xLabel: "time (ms)", yLabel: "gain",
      x: whole, y: [0, 1.05], legend: looks.gains,
    });
    const own = frame.choice("Trial of", names, spec.start[0]);
    const other = frame.choice("Stored gains swapped in", names, spec.start[1]);
    const angle = frame.slider(spec.sliders.angle);
    const swap = frame.slider(spec.sliders.swap);
    let at = 0;
    const near = 40;
    for (const plot of [output, gains]) {
      frame.drag(plot, { grab: (x) => (Math.abs(x - at) < near ? 0 : null), move: (_, x) => swap.near(x) });
    }
    const ring = nmTools.range(0, 2 * Math.PI, 61);
    return () => {
      at = swap.value();
      const setting = { own: own.index(), other: other.index(), angle: angle.index(), swap: Math.round(at / net.dt) };
      const run = nmStoredGainsRun(net, tables, setting);
      const of = (values, k) => values.map((v) => v[k]);
      const line = { ...looks.swap, x: [at, at], y: [-2, 2] };
      output.show([line, ...looks.outputs.map((look, k) => ({ ...look, x: time, y: of(run.y, k) }))]);
      gains.show([line, ...looks.gains.map((look, k) => ({ ...look, x: time, y: of(run.s, k) }))]);
      const theta = (angle.value() * Math.PI) / 180;
      const last = run.y[steps - 1];
      circle.show([
        { ...looks.ring, x: ring.map(Math.cos), y: ring.map(Math.sin) },
        { ...looks.path, x: of(run.y, 2), y: of(run.y, 1) },
        { ...looks.stimulus, x: [Math.cos(theta)], y: [Math.sin(theta)] },
        { ...looks.end, x: [last[2]], y: [last[1]] },
      ]);
      const then = setting.own === setting.other ? "" : `, gains of ${names[setting.other]} from ${at} ms on`;
      return `${names[setting.own]}, stimulus at ${angle.value()}\u00b0${then}: ` +
        `the answer is ${nmAngleOf(last).toFixed(0)}\u00b0.`;
    };
  });
}
