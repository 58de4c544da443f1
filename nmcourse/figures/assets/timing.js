// A network that keeps time: nmTiming(id, spec). It uses nm_rnn.js and what that uses.

// One trial of Measure-Wait-Go. Times in ms; the answer is a ramp of that interval after go.
function nmTimingTrial({ interval, measure, delay }, task) {
  const at = [measure, measure + interval, measure + interval + delay].map((t) => Math.round(t / task.dt));
  const inputs = Array.from({ length: task.steps }, (_, t) => at.map((pulse) => (t === pulse ? task.amplitude : 0)));
  const length = interval / task.dt;
  const target = inputs.map((_, t) => Math.min(1, Math.max(0, (t - at[2]) / length)) - 0.5);
  return { inputs, target, at };
}

// What is done to it: { scales, held (-1 nothing, K all), moved, donor } with `moved` one of
// "", "gains", "state", "both": from its wait pulse on the trial has those of the donor.
function nmTimingRun(net, setting, task) {
  const own = nmTimingTrial(setting, task);
  const start = net.gainOf(net.start().z);
  const { moved } = setting;
  let donor = null;
  if (moved) {
    const other = nmTimingTrial({ ...setting, interval: setting.donor }, task);
    donor = { ...net.run(other.inputs), wait: other.at[1] };
  }
  const wait = own.at[1];
  const gains = (s, t) => {
    const last = task.steps - 1;
    if ((moved === "gains" || moved === "both") && t >= wait) {
      s = donor.s[Math.min(last, donor.wait + t - wait)];
    }
    return s.map((v, k) => {
      const kept = setting.held === k || setting.held === s.length ? start[k] : v;
      return kept * setting.scales[k];
    });
  };
  const before = (state, t) =>
    (moved === "state" || moved === "both") && t === wait
      ? { ...state, x: donor.states[donor.wait - 1].x }
      : state;
  return { ...own, ...net.run(own.inputs, { gains, before }) };
}

// Time from go until the ramp has covered 95 % of its way, scaled to the whole way; NaN for never.
// As nmcourse.tasks.produced_interval.
function nmProducedInterval(y, go, dt) {
  const threshold = 0.45;
  for (let t = go + 1; t < y.length; t++) {
    if (y[t] < threshold - 1e-6) continue;
    const low = y[t - 1];
    const part = low < threshold ? Math.min(1, Math.max(0, (threshold - low) / (y[t] - low))) : 0;
    return ((t - go) * dt - dt * (1 - part)) / 0.95;
  }
  return NaN;
}

function nmTimingSays(run, setting, dt) {
  const y = run.y.map((v) => v[0]);
  const produced = nmProducedInterval(y, run.at[2], dt);
  const error = y.reduce((sum, v, t) => sum + (v - run.target[t]) ** 2, 0) / y.length;
  const found = Number.isFinite(produced)
    ? `produced ${produced.toFixed(0)} ms`
    : "the output never covers 95 % of its way";
  return `Asked ${setting.interval} ms, ${found}. Mean squared error ${error.toExponential(1).replace("-", "\u2212")}.`;
}

function nmTiming(id, spec) {
  const net = nmNmRnn(nmUnpack(spec.arrays));
  const { task, looks } = spec;
  const time = Array.from({ length: task.steps }, (_, t) => t * task.dt);
  nmFrame(id, spec, (frame) => {
    const names = looks.gains.map((look) => look.name);
    const intact = { ...looks.target, name: "same trial, left alone", line: "dashdot", width: 1.8 };
    const output = frame.plot({
      title: "Output", alt: spec.alt, wide: true, ratio: 0.36, xLabel: "time (ms)", yLabel: "output",
      x: [0, time[time.length - 1]], y: [-0.75, 0.85],
      legend: [looks.output, looks.target, intact, looks.cues],
    });
    const gains = frame.plot({
      title: "Gains", alt: "The gains of the trial in the picture above.", ratio: 0.75,
      xLabel: "time (ms)", yLabel: "gain", x: [0, time[time.length - 1]], legend: looks.gains,
    });
    const path = frame.plot({
      title: "Latent path", alt: "The latent state of the same trial, with a mark at each pulse.", ratio: 0.75,
      legend: [looks.path, looks.pulses],
    });
    const sliders = Object.fromEntries(spec.sliders.map((slider) => [slider.name, frame.slider(slider)]));
    const scales = spec.scales.map((slider) => frame.slider(slider));
    const held = frame.choice("Hold at its first value", ["no gain", ...names, "all gains"]);
    const kinds = ["", "gains", "state", "both"];
    const moved = frame.choice("Transplant, from wait on", [
      "nothing", "gains of the donor", "state x of the donor", "gains and state",
    ]);
    const kappa = (k) => "\u03ba" + String.fromCharCode(0x2081 + k);
    const pairs = spec.pairs.map(([a, b]) => `${kappa(a)} and ${kappa(b)}`);
    const plane = pairs.length > 1 ? frame.choice("Latent plane", pairs) : { index: () => 0 };
    // A pulse can be dragged in the picture; the sliders do the same by keyboard.
    const order = ["measure", "interval", "delay"];
    let pulses = [];
    frame.drag(output, {
      grab(x) {
        const away = pulses.map((t) => Math.abs(t - x));
        const nearest = away.indexOf(Math.min(...away));
        return away[nearest] < 60 ? nearest : null;
      },
      move: (k, x) => sliders[order[k]].near(x - (k ? pulses[k - 1] : 0)),
    });

    const cues = (run, low, high) => run.at.map((t) => ({ ...looks.cues, x: [time[t], time[t]], y: [low, high] }));
    return () => {
      const setting = {
        interval: sliders.interval.value(), measure: sliders.measure.value(), delay: sliders.delay.value(),
        donor: sliders.donor.value(), scales: scales.map((one) => one.value()),
        held: held.index() - 1, moved: kinds[moved.index()],
      };
      const run = nmTimingRun(net, setting, task);
      const plain = { ...setting, scales: setting.scales.map(() => 1), held: -1, moved: "" };
      const alone = JSON.stringify(plain) === JSON.stringify(setting) ? null : nmTimingRun(net, plain, task);
      const of = (values, k) => Array.from(values, (v) => v[k]);
      const drawn = [...cues(run, -2, 2), { ...looks.target, x: time, y: run.target }];
      if (alone) drawn.push({ ...intact, x: time, y: of(alone.y, 0) });
      output.show([...drawn, { ...looks.output, x: time, y: of(run.y, 0) }]);
      pulses = run.at.map((t) => time[t]);

      const highest = Math.max(1, ...run.s.map((s) => Math.max(...s)));
      gains.show(
        [...cues(run, -5, 5), ...looks.gains.map((look, k) => ({ ...look, x: time, y: of(run.s, k) }))],
        [[0, time[time.length - 1]], [0, 1.04 * highest]]
      );
      const [a, b] = spec.pairs[plane.index()];
      const line = (trial) => ({ x: of(trial.kappa, a), y: of(trial.kappa, b) });
      const here = line(run);
      const marks = { ...looks.pulses, x: run.at.map((t) => here.x[t]), y: run.at.map((t) => here.y[t]) };
      const all = alone ? [line(alone), here] : [here];
      path.show(
        [...(alone ? [{ ...intact, ...all[0] }] : []), { ...looks.path, ...here }, marks],
        [nmSpan(all.flatMap((one) => one.x), false), nmSpan(all.flatMap((one) => one.y), false)],
        { xLabel: `latent ${kappa(a)}`, yLabel: `latent ${kappa(b)}` }
      );
      return nmTimingSays(run, setting, task.dt);
    };
  });
}
