// Draw a digit, watch a network see: nmSeeing(id, spec). It uses frame.js, heat.js, pad.js,
// cordsnet.js, weights.js, worker.js, and what they use.

// ---- Trials beside the page ------------------------------------------------------------------

// Runs the latest trial it was asked for in short stretches; hands on what there is after each.
function nmSeeingJob(packed, hand) {
  const net = nmCordsNet(nmUnpack(packed));
  let latest = 0;
  return ({ id, image, plan }) => {
    latest = id;
    const stretch = (trial) => {
      if (latest !== id) return;
      try {
        const over = trial.advance(60);
        hand({ id, found: trial.found });
        if (!over) setTimeout(() => stretch(trial));
      } catch (error) {
        hand({ id, error: error.message });
      }
    };
    stretch(nmSeeingTrial(net, image, plan, nmTools.normal(plan.seed)));
  };
}

function nmSeeingRunner(packed, heard) {
  const needed = [nmUnpack, nmMaps, nmConvolve, nmMeanOfNeighbours, nmCordsNet, nmSeeingTrial];
  return nmBeside(nmSeeingJob, needed, packed, heard);
}

// ---- What a trial shows ------------------------------------------------------------------------

// The answer when the image goes; since when it has been that; what is left of the distance from
// rest at the end (root mean square over all units, relative to that with the image).
function nmSeeingSummary(found, shown) {
  const end = found.times.filter((t) => t <= shown + 1e-9).length - 1;
  const outputs = found.outputs[end];
  const answer = nmBest(outputs);
  const second = nmBest(outputs.map((v, k) => (k === answer ? -Infinity : v)));
  let since = end;
  while (since > 0 && nmBest(found.outputs[since - 1]) === answer) since -= 1;
  const frame = found.frameTimes.filter((t) => t <= shown + 1e-9).length - 1;
  const away = (k) => Math.sqrt(found.frames[k].reduce((sum, maps, area) => {
    const rest = found.frames[0][area].data;
    return sum + maps.data.reduce((total, v, j) => total + (v - rest[j]) ** 2, 0);
  }, 0));
  const left = away(found.frames.length - 1) / away(frame);
  return { answer, second, share: nmShares(outputs)[answer], since: found.times[since], left };
}

function nmSeeingSays(found, plan, names) {
  const { answer, second, share, since, left } = nmSeeingSummary(found, plan.shown);
  const percent = (v) => `${(100 * v).toFixed(v < 0.1 ? 1 : 0)} %`;
  const after = plan.after && Number.isFinite(left)
    ? ` ${plan.after} ms after the image is gone, ${percent(left)} of the distance from rest is left.` : "";
  return `Answer: ${names[answer]}, with a share of ${percent(share)}, unchanged since ${since.toFixed(0)} ms; ` +
    `next is ${names[second]}.${after}`;
}

// ---- The page ----------------------------------------------------------------------------------

function nmSeeing(id, spec) {
  const examples = nmUnpack(spec.examples);
  const [count, height, width] = examples.shape;
  const example = (k) => examples.slice(k * height * width, (k + 1) * height * width);
  const calm = window.matchMedia && matchMedia("(prefers-reduced-motion: reduce)").matches;
  nmFrame(id, spec, (frame) => {
    const { looks } = spec;
    let drawing = null;
    let result = null;
    let problem = "";
    let asked = "";
    let request = 0;
    let says = "The network runs.";
    let measured = "";
    let largest = [];

    const desk = nmElement("div", { class: "nm-panel" }, frame.panels);
    nmElement("p", { class: "nm-panel-title" }, desk, "Draw here");
    const row = nmElement("div", { class: "nm-desk" }, desk);
    const pad = nmPad(row, "Drawing pad. Arrow keys move the pen, Space puts it down and lifts it.", (strokes) => {
      drawing = nmInk(nmFitted(strokes, spec.margin), height, width, spec.pen);
      source.set(0);
    });
    const side = nmElement("div", {}, row);
    nmElement("p", { class: "nm-small" }, side, "What the network sees");
    const image = nmElement("canvas", { class: "nm-heat nm-seen", role: "img" }, side);
    const clear = frame.button("Clear", () => { pad.clear(); drawing = new Float64Array(height * width); source.set(0); }, side);
    clear.classList.add("nm-clear");
    frame.onReset(() => { pad.clear(); drawing = null; });

    const marks = [looks.trained, looks.off];
    const answer = frame.plot({
      title: "Answer", alt: spec.alt, ratio: 0.75, xLabel: "time from image onset (ms)", yLabel: "output",
      legend: [looks.best, looks.second, looks.other, ...marks],
    });
    const activity = frame.plot({
      title: "Mean activity of each area", alt: "Mean rate of each area over time.", ratio: 0.75,
      xLabel: "time from image onset (ms)", yLabel: "rate", legend: looks.areas,
    });
    const atlas = nmElement("div", { class: "nm-panel" }, frame.panels);
    const moment = nmElement("p", { class: "nm-panel-title" }, atlas, "");
    const maps = looks.areas.map((look) => {
      nmElement("p", { class: "nm-small" }, atlas, look.name);
      return nmElement("canvas", { class: "nm-heat", role: "img", "aria-label": `Maps of ${look.name}` }, atlas);
    });

    const titles = ["my drawing", ...spec.labels.map((label) => `test image: a ${label}`)];
    const source = frame.choice("Image", titles, 1);
    const sliders = Object.fromEntries(spec.sliders.map((slider) => [slider.name, frame.slider(slider)]));
    const run = nmSeeingRunner(spec.arrays, (message) => {
      if (message.id !== request) return;
      problem = message.error || "";
      if (message.found && (message.found.over || !calm)) result = message.found;
      frame.changed();
    });

    return () => {
      const chosen = source.index() === 0 ? drawing || new Float64Array(height * width) : example(source.index() - 1);
      const value = (name) => sliders[name].value();
      const plan = {
        dt: value("dt"), before: spec.before, shown: value("shown"), after: value("after"),
        noise: value("noise"), seed: 1,
      };
      const key = JSON.stringify([Array.from(chosen), plan]);
      if (key !== asked) {
        asked = key;
        request += 1;
        run({ id: request, image: chosen, plan });
        nmHeat(image, { c: 1, h: height, w: width, data: chosen }, 1);
        image.setAttribute("aria-label", `${titles[source.index()]}, ${height} by ${width} pixels`);
      }
      if (problem) return `The trial failed: ${problem}.`;
      if (!result) return says;
      const found = result;
      const total = plan.shown + plan.after;
      const line = (t, look, [low, high]) => ({ ...look, x: [t, t], y: [low, high] });
      const time = [0, total];
      const last = found.outputs[Math.max(0, found.times.filter((t) => t <= plan.shown).length - 1)];
      const best = nmBest(last);
      const second = nmBest(last.map((v, k) => (k === best ? -Infinity : v)));
      const look = (k) => (k === best ? looks.best : k === second ? looks.second : looks.other);
      const order = last.map((_, k) => k).sort((a, b) => (a === best) - (b === best) || (a === second) - (b === second));
      const range = nmSpan(found.outputs.flat(), false);
      const events = [line(spec.trained, looks.trained, range), line(plan.shown, looks.off, range)];
      answer.show(
        [...events, ...order.map((k) => ({ ...look(k), x: found.times, y: found.outputs.map((o) => o[k]) }))],
        [time, range]
      );
      const means = looks.areas.map((_, area) => found.means.map((m) => m[area]));
      const high = nmSpan([0, ...means.flat()], false);
      activity.show(
        [line(plan.shown, looks.off, high), ...looks.areas.map((style, area) => ({ ...style, x: found.times, y: means[area] }))],
        [time, high]
      );
      const at = (value("moment") / 100) * total;
      const mark = `${request} ${found.frames.length}`;
      if (mark !== measured) {  // not for each move
        measured = mark;
        largest = looks.areas.map((_, area) => nmLargest(found.frames.map((f) => nmLargest(f[area].data))));
      }
      const place = found.frameTimes.filter((t) => t <= at + 1e-9).length - 1;
      moment.textContent = `Maps at ${found.frameTimes[place].toFixed(0)} ms`;
      maps.forEach((canvas, area) => {
        const maps = found.frames[place][area];
        nmHeat(canvas, maps, largest[area], maps.c > 8 ? 8 : 4);
      });
      if (found.over) says = nmSeeingSays(found, plan, spec.labelNames);
      return says;
    };
  });
}
