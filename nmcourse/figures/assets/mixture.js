// Two images mixed, w A + (1 - w) B, seen by a CordsNet: nmMixture(id, spec).
// It uses worker.js, heat.js, cordsnet.js, weights.js, and what they use.

function nmMixed(a, b, w) {
  return a.map((v, k) => w * v + (1 - w) * b[k]);
}

// The state after a blank of `before` ms and then an image, if there is one, for `held` ms.
function nmStateBefore(net, dt, before, image, held) {
  const nothing = new Float64Array(net.channels * net.height * net.width);
  const plan = { dt, before, shown: image ? held : 0, after: 0 };
  const trial = nmSeeingTrial(net, image || nothing, plan, null);
  trial.advance(1e9);
  return trial.state();
}

// Outputs over time while a mixture is shown, from a state on; after each step.
function nmMixtureTrial(net, image, dt, shown, state) {
  const trial = nmSeeingTrial(net, image, { dt, before: 0, shown, after: 0 }, null, state);
  trial.advance(1e9);
  return { times: trial.found.times, outputs: trial.found.outputs };
}

// Runs every mixture of the latest request, the asked one first, and hands on each.
function nmMixtureJob(packed, hand) {
  const net = nmCordsNet(nmUnpack(packed));
  let latest = 0;
  return ({ id, a, b, weights, first, dt, before, shown, start }) => {
    latest = id;
    const order = weights.map((_, k) => k).sort((p, q) => Math.abs(p - first) - Math.abs(q - first));
    let state = null;
    const next = () => {
      if (latest !== id || !order.length) return;
      try {
        state = state || nmStateBefore(net, dt, before, [null, a, b][start], shown);
        const place = order.shift();
        hand({ id, place, ...nmMixtureTrial(net, nmMixed(a, b, weights[place]), dt, shown, state) });
        setTimeout(next);
      } catch (error) {
        hand({ id, error: error.message });
      }
    };
    next();
  };
}

function nmMixtureSays({ outputs }, names, [a, b], w) {
  const last = outputs[outputs.length - 1];
  const shares = nmShares(last);
  const answer = nmBest(last);
  let since = outputs.length - 1;
  while (since > 0 && nmBest(outputs[since - 1]) === answer) since -= 1;
  const percent = (v) => `${(100 * v).toFixed(v < 0.1 ? 1 : 0)} %`;
  const two = a === b ? "" : `, ${names[b]} ${percent(shares[b])}`;
  return { since, text: `${percent(w)} of the first image: answer ${names[answer]}. Shares: ${names[a]} ${percent(shares[a])}${two}.` };
}

function nmMixture(id, spec) {
  const examples = nmUnpack(spec.examples);
  const [, height, width] = examples.shape;
  const example = (k) => examples.slice(k * height * width, (k + 1) * height * width);
  nmFrame(id, spec, (frame) => {
    const { looks, labels, labelNames } = spec;
    const weights = spec.sliders[0].values;
    let found = weights.map(() => null);
    let problem = "";
    let asked = "";
    let request = 0;
    let says = "The network runs.";

    const desk = nmElement("div", { class: "nm-panel nm-wide" }, frame.panels);
    const row = nmElement("div", { class: "nm-desk" }, desk);
    const images = ["first image", "mixture", "second image"].map((name) => {
      const box = nmElement("div", {}, row);
      nmElement("p", { class: "nm-small" }, box, name);
      return nmElement("canvas", { class: "nm-heat nm-seen", role: "img" }, box);
    });
    const course = frame.plot({
      title: "Outputs while the mixture is shown", alt: spec.alt, ratio: 0.75, xLabel: "time from image onset (ms)", yLabel: "output",
      legend: [looks.first, looks.second, looks.other],
    });
    const settled = frame.plot({
      title: "Where it settles: drag the line", alt: "Shares of the answers at the end, against the part of the first image.", ratio: 0.75,
      xLabel: "part w of the first image", yLabel: "share at the end", x: [0, 1], y: [0, 1.03],
      legend: [looks.first, looks.second, looks.rest, looks.now],
    });
    const part = frame.slider(spec.sliders[0]);
    const titles = labels.map((label) => `test image: a ${labelNames[label]}`);
    const first = frame.choice("First image", titles, spec.pair[0]);
    const second = frame.choice("Second image", titles, spec.pair[1]);
    const before = frame.choice("Before it", ["a blank", "the first image", "the second image"], 0);
    const shown = frame.slider(spec.sliders[1]);
    frame.drag(settled, {
      grab: (x) => (Math.abs(x - part.value()) < 0.08 ? 0 : null), move: (_, x) => part.near(x),
    });
    const run = nmMixtureRunner(spec.arrays, (message) => {
      if (message.id !== request) return;
      problem = message.error || "";
      if (!problem) found[message.place] = message;
      frame.changed();
    });

    return () => {
      const [a, b, w] = [example(first.index()), example(second.index()), part.value()];
      const plan = {
        dt: spec.dt, before: spec.before, shown: shown.value(), start: before.index(), pair: [first.index(), second.index()],
      };
      const key = JSON.stringify(plan);
      if (key !== asked) {
        asked = key;
        request += 1;
        found = weights.map(() => null);
        run({ id: request, a, b, weights, first: part.index(), ...plan });
      }
      const mixed = nmMixed(a, b, w);
      const seen = [[a, titles[plan.pair[0]]], [mixed, "the mixture"], [b, titles[plan.pair[1]]]];
      seen.forEach(([data, text], k) => {
        nmHeat(images[k], { c: 1, h: height, w: width, data }, 1);
        images[k].setAttribute("aria-label", `${text}, ${height} by ${width} pixels`);
      });
      if (problem) return `The trial failed: ${problem}.`;
      const now = found[part.index()];
      const digits = plan.pair.map((k) => labels[k]);
      const ends = found.map((one) => (one ? nmShares(one.outputs[one.outputs.length - 1]) : null));
      const of = (share) => ({ x: weights, y: ends.map((shares) => (shares ? share(shares) : null)) });
      settled.show([
        { ...looks.now, x: [w, w], y: [-1, 2] },
        { ...looks.rest, ...of((s) => 1 - s[digits[0]] - (digits[0] === digits[1] ? 0 : s[digits[1]])) },
        { ...looks.second, ...of((s) => s[digits[1]]) }, { ...looks.first, ...of((s) => s[digits[0]]) },
      ]);
      if (!now) return says;
      const look = (k) => (k === digits[0] ? looks.first : k === digits[1] ? looks.second : looks.other);
      const order = labelNames.map((_, k) => k).sort((p, q) => digits.includes(p) - digits.includes(q));
      course.show(
        order.map((k) => ({ ...look(k), x: now.times, y: now.outputs.map((o) => o[k]) })),
        [[0, plan.shown], nmSpan(now.outputs.flat(), false)]
      );
      const line = nmMixtureSays(now, labelNames, digits, w);
      says = `${line.text} Unchanged since ${now.times[line.since].toFixed(0)} ms.`;
      return says;
    };
  });
}

function nmMixtureRunner(packed, heard) {
  const needed = [
    nmUnpack, nmMaps, nmConvolve, nmMeanOfNeighbours, nmCordsNet, nmSeeingTrial, nmMixed, nmStateBefore, nmMixtureTrial,
  ];
  return nmBeside(nmMixtureJob, needed, packed, heard);
}
