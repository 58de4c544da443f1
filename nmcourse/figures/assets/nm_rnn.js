// An NM-RNN in the page: nmNmRnn(arrays) takes the arrays of nmcourse.analysis.nm_rnn_arrays,
// unpacked by weights.js. As in the package, a step updates z, takes the gain of the new z, and
// then updates x.

// rows of a matrix (a, b) times a vector, added to `sum`
function nmTimes(matrix, vector, sum) {
  const columns = matrix.shape[1];
  for (let i = 0; i < sum.length; i++) {
    let total = sum[i];
    for (let j = 0; j < columns; j++) total += matrix[i * columns + j] * vector[j];
    sum[i] = total;
  }
  return sum;
}

function nmTransposed(matrix) {
  const [rows, columns] = matrix.shape;
  const turned = new Float64Array(matrix.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) turned[j * rows + i] = matrix[i * columns + j];
  }
  turned.shape = [columns, rows];
  return turned;
}

function nmNmRnn(w) {
  const right = nmTransposed(w.right);
  const zeros = (n) => new Float64Array(n);
  const gainOf = (z) => nmTimes(w.gain, z, Float64Array.from(w.gain_bias)).map(nmTools.sigmoid);
  const mix = (old, alpha, drive) => old.map((v, i) => (1 - alpha) * v + alpha * drive[i]);

  return {
    dt: w.dt,
    rank: w.gain_bias.length,
    start: () => ({ x: w.x0, z: w.z0 }),
    gainOf,
    // state { x, z }, input (P) with the context after it; change(s) may return other gains
    step(state, input, change) {
      const rates = state.x.map(Math.tanh);
      const drive = nmTimes(w.modulator_input, input, zeros(w.z0.length));
      nmTimes(w.modulator_recurrent, state.z.map(Math.tanh), drive);
      if (w.feedback) {
        nmTimes(w.feedback, rates, drive);
        for (let i = 0; i < drive.length; i++) drive[i] += w.feedback_bias[i];
      }
      const z = mix(state.z, w.alpha_z, drive);
      const s = change ? change(gainOf(z)) : gainOf(z);
      const latent = nmTimes(right, rates, zeros(s.length)).map((v, k) => s[k] * v);
      const current = nmTimes(w.input, input, zeros(w.x0.length));
      nmTimes(w.left, latent, current);
      return { x: mix(state.x, w.alpha_x, current), z, s };
    },
    output: (x) => nmTimes(w.readout, x, w.offset ? Float64Array.from(w.offset) : zeros(w.readout.shape[0])),
    latent: (x) => nmTimes(w.latent, x, zeros(w.latent.shape[0])),
    // inputs: one array (P + contexts) a step. gains(s, t) may change the gains of a step,
    // before(state, t) the state that a step starts from.
    run(inputs, { gains, before } = {}) {
      let state = this.start();
      const found = { states: [], y: [], s: [], kappa: [] };
      for (let t = 0; t < inputs.length; t++) {
        if (before) state = before(state, t);
        state = this.step(state, inputs[t], gains ? (s) => gains(s, t) : null);
        found.states.push(state);
        found.s.push(state.s);
        found.y.push(this.output(state.x));
        found.kappa.push(this.latent(state.x));
      }
      return found;
    },
  };
}
