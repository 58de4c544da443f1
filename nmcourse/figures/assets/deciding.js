// Moving dots, a network that decides, and what it chose: nmDeciding(id, spec).
// It uses worker.js, heat.js, cordsnet.js, weights.js, and what they use. Films are those of
// nmcourse.tasks.DotMotion, networks those of nmcourse.analysis.film_network_arrays.

// A picture of discs of light with an edge of one pixel that fades; places are [row, column].
function nmDiscs(places, radius, size) {
  const picture = new Float64Array(size * size);
  for (const [row, column] of places) {
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const light = radius + 0.5 - Math.hypot(y + 0.5 - row, x + 0.5 - column);
        if (light > 0) picture[y * size + x] += Math.min(1, light);
      }
    }
  }
  return picture.map((v) => Math.min(1, v));
}

// Places of the dots in each frame: each moves on with the probability |strength|, else it jumps.
function nmDotPlaces(plan, strength, seed) {
  const draw = nmTools.uniform(1000 * seed + Math.round(100 * strength));  // others for each strength
  const { size, shift } = plan;
  const any = () => [size * draw(), size * draw()];
  let places = Array.from({ length: plan.n_dots }, any);
  return Array.from({ length: plan.frames - plan.before }, () => {
    const now = places;
    places = places.map(([row, column]) => {
      const jump = any();
      if (draw() >= Math.abs(strength)) return jump;
      return [row, (column + Math.sign(strength) * shift + size) % size];
    });
    return now;
  });
}

// Black frames, and then dots.
function nmDotFilm(plan, strength, seed) {
  const black = Array.from({ length: plan.before }, () => new Float64Array(plan.size * plan.size));
  return [...black, ...nmDotPlaces(plan, strength, seed).map((places) => nmDiscs(places, plan.radius, plan.size))];
}

// Means over the fields of a grid, channel by channel; fields share a pixel where they have to.
function nmGridMeans(maps, grid) {
  const found = [];
  const ends = (k, n) => [Math.floor((k * n) / grid), Math.ceil(((k + 1) * n) / grid)];
  for (let c = 0; c < maps.c; c++) {
    for (let a = 0; a < grid; a++) {
      for (let b = 0; b < grid; b++) {
        const [top, bottom] = ends(a, maps.h);
        const [left, right] = ends(b, maps.w);
        let sum = 0;
        for (let y = top; y < bottom; y++) {
          for (let x = left; x < right; x++) sum += maps.data[(c * maps.h + y) * maps.w + x];
        }
        found.push(sum / ((bottom - top) * (right - left)));
      }
    }
  }
  return found;
}

// run(film) returns the first output after each frame.
function nmFilmNetwork(net) {
  const eye = net.eye ? nmCordsNet(net.eye) : null;
  const n = net.bias.length;
  const alpha = net.dt / net.tau;
  const start = () => {
    if (!eye) return null;
    let state = eye.silence();
    const blank = eye.drive(new Float64Array(eye.height * eye.width));
    for (let k = 0; k < net.n_blank; k++) state = eye.step(state, blank, net.dt);
    return state;
  };
  const rest = start();
  return {
    run(film) {
      let state = rest;
      let rates = Float64Array.from(net.start);
      return film.map((picture) => {
        let seen = picture;
        if (eye) {
          state = eye.step(state, eye.drive(picture), net.dt);
          seen = state.slice(-net.n_read).flatMap((maps) => nmGridMeans(maps, net.grid));
        }
        const p = seen.length;
        const on = [];
        for (let k = 0; k < p; k++) if (seen[k] !== 0) on.push(k);
        rates = rates.map((r, i) => {
          let drive = net.bias[i];
          for (let k = 0; k < n; k++) drive += net.recurrent[i * n + k] * rates[k];
          for (const k of on) drive += net.input[i * p + k] * seen[k];
          return r + alpha * (Math.max(0, drive) - r);
        });
        let y = net.readout_bias[0];
        for (let k = 0; k < n; k++) y += net.readout[k] * rates[k];
        return y;
      });
    },
  };
}

// Choice (the sign of the last output) and the time from onset until the bound; null for never.
function nmDecision(outputs, plan) {
  const passed = outputs.findIndex((y, t) => t >= plan.before && Math.abs(y) >= plan.bound);
  const time = passed < 0 ? null : (passed + 1 - plan.before) * plan.dt;
  return { choice: Math.sign(outputs[outputs.length - 1]), time };
}

// Runs every film of the latest requests, one after the other, and hands on each.
function nmDecidingJob(packed, hand) {
  const { networks, plan } = nmUnpack(packed);
  const ready = networks.map(() => null);
  const waiting = [];
  const next = () => {
    const one = waiting.shift();
    if (!one) return;
    ready[one.which] = ready[one.which] || nmFilmNetwork(networks[one.which]);
    const outputs = ready[one.which].run(nmDotFilm(plan, one.strength, one.seed));
    hand({ ...one, outputs, ...nmDecision(outputs, plan) });
    if (waiting.length) setTimeout(next);
  };
  return (request) => {
    const idle = waiting.length === 0;
    if (request.first) waiting.unshift(...request.films);
    else waiting.push(...request.films);
    if (idle) setTimeout(next);
  };
}

// The middle 95 % for a share of k among n, by Wilson's score.
function nmWilson(k, n) {
  const z2 = 1.96 * 1.96;
  const middle = (k + z2 / 2) / (n + z2);
  const half = (1.96 / (n + z2)) * Math.sqrt((k * (n - k)) / n + z2 / 4);
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

// The median of times of which some, null, are later than all others; null if half or more are.
function nmMedianTime(times) {
  const sorted = times.map((t) => (t === null ? Infinity : t)).sort((a, b) => a - b);
  const half = sorted.length / 2;
  const found = sorted.length % 2 ? sorted[Math.floor(half)] : (sorted[half - 1] + sorted[half]) / 2;
  return Number.isFinite(found) ? found : null;
}

function nmDeciding(id, spec) {
  const { plan, looks, names, fits } = spec;
  nmFrame(id, spec, (frame) => {
    const onset = plan.before * plan.dt;
    const end = plan.frames * plan.dt;
    let films = new Map();  // "network strength seed" -> what came out
    let asked = new Set();
    let seeds = {};  // the film that is shown, for each strength
    let drawn = "";
    let film = [];

    const desk = nmElement("div", { class: "nm-panel" }, frame.panels);
    const title = nmElement("p", { class: "nm-panel-title" }, desk, "");
    const screen = nmElement("canvas", { class: "nm-heat nm-film", role: "img" }, desk);
    const course = frame.plot({
      title: "Output of the network", alt: spec.alt, ratio: 0.75, xLabel: "time (ms)", yLabel: "output", x: [0, end],
      y: [-1.3, 1.3], legend: [looks.output, looks.bound, looks.now],
    });
    const choices = frame.plot({
      title: "How often it chooses right", alt: "Share of films in which the network chooses right, against the signed coherence.",
      ratio: 0.75, xLabel: "coherence (% to the right)", yLabel: "share", x: [-85, 85], y: [-0.03, 1.03], legend: [looks.mine, looks.fit],
    });
    const times = frame.plot({
      title: "When it passes the bound", alt: "Median time from onset to the bound, against the size of the coherence.",
      ratio: 0.75, xLabel: "coherence (%)", yLabel: "ms from onset", x: [0, 85], y: [0, end - onset], legend: [looks.mine],
    });
    const which = frame.choice("Network", names, 0);
    const strength = frame.slider(spec.sliders[0]);
    const moment = frame.slider(spec.sliders[1]);
    const key = (k, s, seed) => `${k} ${s} ${seed}`;
    const shown = () => seeds[strength.value()] || 0;
    const run = nmBeside(nmDecidingJob, [
      nmUnpack, nmMaps, nmConvolve, nmMeanOfNeighbours, nmCordsNet, nmDiscs, nmDotPlaces, nmDotFilm, nmGridMeans, nmFilmNetwork, nmDecision,
    ], { networks: spec.networks, plan }, (message) => {
      films.set(key(message.which, message.strength, message.seed), message);
      frame.changed();
    });
    const ask = (seeds, first) => {
      const [k, s] = [which.index(), strength.value()];
      const fresh = seeds.filter((seed) => !asked.has(key(k, s, seed)));
      fresh.forEach((seed) => asked.add(key(k, s, seed)));
      if (fresh.length) run({ first, films: fresh.map((seed) => ({ which: k, strength: s, seed })) });
    };
    const play = () => {
      const steps = spec.sliders[1].values;
      let k = 0;
      const tick = () => {
        if (k >= steps.length) return;
        moment.near(steps[k++]);
        setTimeout(tick, 50);
      };
      if (window.matchMedia && matchMedia("(prefers-reduced-motion: reduce)").matches) moment.near(end);
      else tick();
    };
    frame.button("Play", play, frame.controls);
    frame.button("Another film", () => { seeds[strength.value()] = shown() + 1; frame.changed(); }, frame.controls);
    frame.button("20 more films", () => {
      const last = Math.max(shown(), ...Array.from(asked, (one) => {
        const [k, s, seed] = one.split(" ");
        return +k === which.index() && +s === strength.value() ? +seed : 0;
      }));
      ask(Array.from({ length: 20 }, (_, j) => last + 1 + j), false);
      frame.changed();
    }, frame.controls);
    frame.onReset(() => { films = new Map(); asked = new Set(); seeds = {}; });

    return () => {
      const [k, s, seed] = [which.index(), strength.value(), shown()];
      ask([seed], true);
      if (drawn !== key(k, s, seed)) {
        drawn = key(k, s, seed);
        film = nmDotFilm(plan, s, seed);
      }
      const t = moment.value();
      const place = Math.min(film.length - 1, Math.max(0, Math.round(t / plan.dt) - 1));
      title.textContent = `The film at ${t} ms`;
      nmHeat(screen, { c: 1, h: plan.size, w: plan.size, data: film[place] }, 1);
      screen.setAttribute("aria-label", t <= onset ? "A black picture" : `${plan.n_dots} dots at ${t} ms`);
      const now = films.get(key(k, s, seed));
      const level = (y) => ({ ...looks.bound, x: [0, end], y: [y, y] });
      const until = now ? now.outputs.slice(0, place + 1) : [];
      course.show([
        level(plan.bound), level(-plan.bound), { ...looks.now, x: [onset, onset], y: [-2, 2] },
        { ...looks.output, x: until.map((_, j) => (j + 1) * plan.dt), y: until },
      ]);
      const tally = spec.sliders[0].values.map((value) => {
        const mine = Array.from(films.values()).filter((one) => one.which === k && one.strength === value);
        return { value, n: mine.length, right: mine.filter((one) => one.choice > 0).length, times: mine.map((one) => one.time) };
      }).filter((one) => one.n > 0);
      const bars = tally.map((one) => ({
        ...looks.mine, line: "solid", width: 1.2, x: [100 * one.value, 100 * one.value], y: nmWilson(one.right, one.n),
      }));
      choices.show([
        { ...looks.fit, x: fits.strengths.map((v) => 100 * v), y: fits.shares[k] }, ...bars,
        { ...looks.mine, x: tally.map((one) => 100 * one.value), y: tally.map((one) => one.right / one.n) },
      ]);
      const sizes = [...new Set(tally.map((one) => Math.abs(one.value)))].sort((a, b) => a - b);
      const medians = sizes.map((size) =>
        nmMedianTime(tally.filter((one) => Math.abs(one.value) === size).flatMap((one) => one.times)));
      times.show([{ ...looks.mine, x: sizes.map((v) => 100 * v), y: medians }]);
      if (!now) return "The network runs.";
      const side = now.choice > 0 ? "right" : "left";
      const when = now.time === null ? "without passing the bound" : `the bound is passed ${now.time} ms after onset`;
      const here = tally.find((one) => one.value === s);
      const [low, high] = nmWilson(here.right, here.n).map((v) => Math.round(100 * v));
      return `This film: ${side}, ${when}. At this coherence ${here.right} of ${here.n} films to the right (95 % interval ${low} to ${high} %).`;
    };
  });
}
