// A CordsNet in the page: nmCordsNet(arrays) takes the arrays of nmcourse.analysis.cordsnet_arrays,
// unpacked by weights.js. No page is needed: a worker and node run it. Maps are
// { c, h, w, data } with data[(channel * h + row) * w + column].

function nmMaps(c, h, w) {
  return { c, h, w, data: new Float64Array(c * h * w) };
}

// A convolution with padding kernel // 2, as in the package: n pixels become ceil(n / stride).
function nmConvolve(maps, weights, stride) {
  const [outs, ins, size] = weights.shape;
  const pad = size >> 1;
  const found = nmMaps(outs, Math.ceil(maps.h / stride), Math.ceil(maps.w / stride));
  for (let o = 0; o < outs; o++) {
    for (let i = 0; i < ins; i++) {
      for (let a = 0; a < size; a++) {
        for (let b = 0; b < size; b++) {
          const weight = weights[((o * ins + i) * size + a) * size + b];
          const left = Math.max(0, Math.ceil((pad - b) / stride));
          const right = Math.min(found.w, Math.floor((maps.w - 1 + pad - b) / stride) + 1);
          for (let y = 0; y < found.h; y++) {
            const row = y * stride + a - pad;
            if (row < 0 || row >= maps.h) continue;
            const to = (o * found.h + y) * found.w;
            const from = (i * maps.h + row) * maps.w + b - pad;
            for (let x = left; x < right; x++) found.data[to + x] += weight * maps.data[from + x * stride];
          }
        }
      }
    }
  }
  return found;
}

// Mean over 3x3 pixels, stride 2, padding 1 (the padding counts as zeros).
function nmMeanOfNeighbours(maps) {
  const found = nmMaps(maps.c, Math.ceil(maps.h / 2), Math.ceil(maps.w / 2));
  for (let c = 0; c < maps.c; c++) {
    for (let y = 0; y < found.h; y++) {
      for (let x = 0; x < found.w; x++) {
        let sum = 0;
        for (let row = Math.max(0, 2 * y - 1); row <= Math.min(maps.h - 1, 2 * y + 1); row++) {
          for (let col = Math.max(0, 2 * x - 1); col <= Math.min(maps.w - 1, 2 * x + 1); col++) {
            sum += maps.data[(c * maps.h + row) * maps.w + col];
          }
        }
        found.data[(c * found.h + y) * found.w + x] = sum / 9;
      }
    }
  }
  return found;
}

function nmCordsNet(net) {
  const [height, width] = net.image_size;
  const plus = (a, b) => ({ ...a, data: a.data.map((v, k) => v + b.data[k]) });
  const seen = (maps) => (net.slope ? { ...maps, data: maps.data.map((v) => Math.max(0, v)) } : maps);
  const skip = (area, maps) => {
    const { skip: weights, skip_stride: stride } = net.areas[area];
    return weights ? nmConvolve(maps, weights, stride) : maps;
  };

  return {
    n_areas: net.areas.length,
    height, width, channels: net.channels,
    // what stays the same while an image is there: the drive of area 0, and the way around it
    drive(image) {
      let stem = nmConvolve({ c: net.channels, h: height, w: width, data: image }, net.stem, net.stem_stride);
      if (net.stem_pool) stem = nmMeanOfNeighbours(stem);
      const first = nmConvolve(stem, net.areas[0].feedforward, net.areas[0].stride);
      return { first, around: net.areas.length > 1 ? skip(1, stem) : null };
    },
    silence() {
      const shown = this.drive(new Float64Array(net.channels * height * width));
      const state = [nmMaps(shown.first.c, shown.first.h, shown.first.w)];
      for (let area = 1; area < net.areas.length; area++) {
        const below = state[area - 1];
        const { stride, recurrent } = net.areas[area];
        state.push(nmMaps(recurrent.shape[0], Math.ceil(below.h / stride), Math.ceil(below.w / stride)));
      }
      return state;
    },
    // All areas at the same moment: each sees the others as they were a step before.
    step(state, drive, dt) {
      const alpha = dt / net.tau;
      const rates = state.map(seen);
      return state.map((r, area) => {
        const spec = net.areas[area];
        let forward = drive.first;
        if (area > 0) {
          const around = area === 1 ? drive.around : skip(area, rates[area - 2]);
          forward = nmConvolve(plus(rates[area - 1], around), spec.feedforward, spec.stride);
        }
        const found = nmConvolve(r, spec.recurrent, 1);
        const each = spec.bias.length === found.data.length ? 1 : found.h * found.w;
        for (let k = 0; k < found.data.length; k++) {
          const current = found.data[k] + forward.data[k] + spec.bias[Math.floor(k / each)];
          const rate = current > 0 ? current : net.slope * current;
          found.data[k] = r.data[k] + alpha * (rate - r.data[k]);
        }
        return found;
      });
    },
    readout(state) {
      const read = state.slice(-2).map(seen);
      const pooled = Array.from({ length: read[0].c }, (_, c) => {
        let sum = 0;
        for (const maps of read) {
          const size = maps.h * maps.w;
          let total = 0;
          for (let k = c * size; k < (c + 1) * size; k++) total += maps.data[k];
          sum += total / size;
        }
        return sum;
      });
      return Array.from(net.readout_bias, (bias, o) =>
        pooled.reduce((sum, v, c) => sum + net.readout[o * pooled.length + c] * v, bias));
    },
  };
}

// A trial: blank, image, blank. plan: { dt, before, shown, after } in ms, { noise, seed } of every
// pixel of every step with an image. advance(ms) runs on for about so long and says whether it is
// over; `found` holds what there is so far, one entry a step from the onset of the image. It starts
// from silence, or from the state that is given.
function nmSeeingTrial(net, image, plan, normal, start) {
  const steps = [plan.before, plan.shown, plan.after].map((time) => Math.round(time / plan.dt));
  const total = steps[0] + steps[1] + steps[2];
  const blank = net.drive(new Float64Array(image.length));
  const held = net.drive(image);
  const every = Math.max(1, Math.ceil((steps[1] + steps[2]) / 60));
  const found = { times: [], outputs: [], means: [], frames: [], frameTimes: [], over: false };
  let state = start || net.silence();
  let step = 0;

  const keep = () => {
    const time = (step - steps[0]) * plan.dt;
    found.times.push(time);
    found.outputs.push(net.readout(state));
    found.means.push(state.map((r) => r.data.reduce((a, b) => a + b, 0) / r.data.length));
    if (state.some((r) => !r.data.every(Number.isFinite))) throw new Error("activity grows without bound");
    if ((step - steps[0]) % every === 0 || step === steps[0] + steps[1] || step === total) {
      found.frames.push(state.map((r) => ({ ...r, data: Float32Array.from(r.data) })));
      found.frameTimes.push(time);
    }
  };
  const one = () => {
    let drive = blank;
    if (step >= steps[0] && step < steps[0] + steps[1]) {
      drive = plan.noise ? net.drive(image.map((v) => v + plan.noise * normal())) : held;
    }
    state = net.step(state, drive, plan.dt);
    step += 1;
    if (step >= steps[0]) keep();
  };
  return {
    found,
    state: () => state,
    advance(budget) {
      const end = Date.now() + budget;
      do {
        if (step >= total) break;
        one();
      } while (Date.now() < end);
      found.over = step >= total;
      return found.over;
    },
  };
}

// ---- What an answer is --------------------------------------------------------------------------

function nmBest(values) {
  return values.indexOf(Math.max(...values));
}

function nmShares(outputs) {
  const highest = Math.max(...outputs);
  const powers = outputs.map((v) => Math.exp(v - highest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((v) => v / sum);
}
