// A flow in the plane whose start is dragged: nmFlow(id, spec, velocity). It uses frame.js.
// velocity(x, y, p, nm) returns [dx/dt, dy/dt]; p holds the sliders and the unpacked arrays.

// The velocity on a grid of n x n places, (row, column) -> [x, y, dx, dy].
function nmFlowGrid(velocity, [x0, x1], [y0, y1], n) {
  const [xs, ys] = [nmTools.range(x0, x1, n), nmTools.range(y0, y1, n)];
  return ys.map((y) => xs.map((x) => [x, y, ...velocity(x, y)]));
}

// Where one component of the velocity is zero: lines, with gaps between them.
function nmNullcline(grid, component) {
  const pieces = [];
  const value = (place) => place[2 + component];
  for (let i = 0; i + 1 < grid.length; i++) {
    for (let j = 0; j + 1 < grid[i].length; j++) {
      const corners = [grid[i][j], grid[i][j + 1], grid[i + 1][j + 1], grid[i + 1][j]];
      const found = [];
      corners.forEach((a, k) => {
        const b = corners[(k + 1) % 4];
        if (value(a) < 0 === value(b) < 0) return;
        const share = value(a) / (value(a) - value(b));
        found.push([a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])]);
      });
      for (let k = 0; k + 1 < found.length; k += 2) pieces.push([found[k], found[k + 1]]);
    }
  }
  return nmJoined(pieces);
}

// Pieces that share an end become one line: a line of dashes has to be long enough to show them.
function nmJoined(pieces) {
  const key = (point) => point.map((v) => Math.round(v * 1e9)).join();
  const open = new Set(pieces.filter(([a, b]) => key(a) !== key(b)));
  const meeting = new Map();
  for (const piece of open) {
    for (const end of piece) meeting.set(key(end), [...(meeting.get(key(end)) || []), piece]);
  }
  const follow = (line) => {
    for (;;) {
      const end = line[line.length - 1];
      const next = meeting.get(key(end)).find((piece) => open.has(piece));
      if (!next) return line;
      open.delete(next);
      line.push(key(next[0]) === key(end) ? next[1] : next[0]);
    }
  };
  const curve = { x: [], y: [] };
  for (const piece of pieces) {
    if (!open.has(piece)) continue;
    open.delete(piece);
    const line = follow(follow(piece.slice()).reverse());
    for (const [x, y] of [...line, [null, null]]) {
      curve.x.push(x);
      curve.y.push(y);
    }
  }
  return curve;
}

// Arrows of one length, from each place on: a line and a head, with gaps between them.
function nmArrows(grid, length) {
  const curve = { x: [], y: [] };
  const put = (x, y) => { curve.x.push(x); curve.y.push(y); };
  for (const [x, y, dx, dy] of grid.flat()) {
    const speed = Math.hypot(dx, dy);
    if (!(speed > 1e-12)) continue;
    const [u, v] = [(length * dx) / speed, (length * dy) / speed];
    const [tipX, tipY] = [x + u / 2, y + v / 2];
    put(x - u / 2, y - v / 2);
    put(tipX, tipY);
    put(null, null);
    for (const turn of [2.6, 0, -2.6]) {
      const [c, s] = [Math.cos(turn), Math.sin(turn)];
      if (turn) put(tipX + 0.35 * (u * c - v * s), tipY + 0.35 * (u * s + v * c));
      else put(tipX, tipY);
    }
    put(null, null);
  }
  return curve;
}

// Euler's steps from a start, until they leave the plot far behind.
function nmFlowPath(velocity, start, dt, steps) {
  const path = { x: [start[0]], y: [start[1]] };
  let [x, y] = start;
  for (let k = 0; k < steps; k++) {
    const [dx, dy] = velocity(x, y);
    [x, y] = [x + dt * dx, y + dt * dy];
    if (!(Math.hypot(x, y) < 1e4)) break;
    path.x.push(x);
    path.y.push(y);
  }
  return path;
}

function nmFlow(id, spec, velocity) {
  const arrays = nmUnpack(spec.arrays);
  nmFrame(id, spec, (frame) => {
    const { looks, dt, steps } = spec;
    const plot = frame.plot({
      alt: spec.alt, wide: true, equal: spec.equal, ratio: spec.equal ? 0 : 0.7, xLabel: spec.xLabel, yLabel: spec.yLabel,
      x: spec.x, y: spec.y, legend: [looks.path, looks.start, looks.end, looks.first, looks.second],
    });
    const sliders = spec.sliders.map((slider) => frame.slider(slider));
    const start = spec.starts.map((slider) => frame.slider(slider));
    const near = 0.07 * (spec.x[1] - spec.x[0]);
    frame.drag(plot, {
      grab: (x, y) => (Math.hypot(x - start[0].value(), y - start[1].value()) < near ? 0 : null),
      move: (_, x, y) => { start[0].near(x); start[1].near(y); },
    });
    let known = "";
    let field = null;
    return () => {
      const p = { ...arrays };
      spec.sliders.forEach((slider, k) => { p[slider.name] = sliders[k].value(); });
      const at = (x, y) => velocity(x, y, p, nmTools);
      const setting = JSON.stringify(sliders.map((one) => one.index()));
      if (setting !== known) {
        known = setting;
        const arrows = nmArrows(nmFlowGrid(at, spec.x, spec.y, 15), (spec.x[1] - spec.x[0]) / 24);
        const fine = nmFlowGrid(at, spec.x, spec.y, 41);
        field = [
          { ...looks.arrows, ...arrows }, { ...looks.first, ...nmNullcline(fine, 0) }, { ...looks.second, ...nmNullcline(fine, 1) },
        ];
      }
      const from = start.map((one) => one.value());
      const path = nmFlowPath(at, from, dt, steps);
      const last = path.x.length - 1;
      const end = [path.x[last], path.y[last]];
      plot.show([
        ...field, { ...looks.path, ...path },
        { ...looks.end, x: [end[0]], y: [end[1]] }, { ...looks.start, x: [from[0]], y: [from[1]] },
      ]);
      const text = (place) => `(${place.map((v) => nmTools.fixed(v, 2)).join(", ")})`;
      if (last < steps) return `From ${text(from)} activity grows without bound.`;
      const speed = Math.hypot(...at(...end));
      const rests = speed * spec.tau < 1e-3 ? "and rests there" : "and still moves";
      return `From ${text(from)} to ${text(end)} after ${nmTools.fixed(steps * dt, 0)} ms, ${rests}.`;
    };
  });
}
