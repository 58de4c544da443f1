// A convolution sliding over its map, beside its row of the matrix: nmConvolving(id, spec).
// It uses grid.js, heat.js, weights.js, frame.js and what they use.

// The matrix of a convolution of one channel, a row for each unit that receives; flat.
function nmConvolutionMatrix(kernel, height, width, ring) {
  const [size] = kernel.shape;
  const half = size >> 1;
  const n = height * width;
  const matrix = new Float64Array(n * n);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let a = 0; a < size; a++) {
        for (let b = 0; b < size; b++) {
          let [row, column] = [y + a - half, x + b - half];
          if (ring) [row, column] = [(row + height) % height, (column + width) % width];
          else if (row < 0 || row >= height || column < 0 || column >= width) continue;
          matrix[(y * width + x) * n + row * width + column] += kernel[a * size + b];
        }
      }
    }
  }
  return matrix;
}

// What each unit adds to the input of one: that one's row, times the rates.
function nmProducts(matrix, rates, unit) {
  return rates.map((r, k) => r * matrix[unit * rates.length + k]);
}

function nmConvolved(matrix, rates) {
  return rates.map((_, unit) => nmProducts(matrix, rates, unit).reduce((a, b) => a + b, 0));
}

function nmConvolving(id, spec) {
  const image = nmUnpack(spec.image);
  const kernels = nmUnpack(spec.kernels);
  const [height, width] = image.shape;
  const n = height * width;
  nmFrame(id, spec, (frame) => {
    const panel = (title) => {
      const box = nmElement("div", { class: "nm-panel" }, frame.panels);
      return [box, nmElement("p", { class: "nm-panel-title" }, box, title)];
    };
    const [mapBox] = panel("The map r: drag the window");
    const map = nmGrid(mapBox, "", height, width);
    const [answerBox] = panel("W ∗ r");
    const answer = nmGrid(answerBox, "", height, width);
    const [matrixBox] = panel(`The matrix W: ${n} × ${n}`);
    const whole = nmGrid(matrixBox, "", n, n);
    const [rowBox, rowTitle] = panel("");
    const strips = ["this row of W", "the map r as one long vector", "their products"].map((text) => {
      nmElement("p", { class: "nm-small" }, rowBox, text);
      return nmGrid(rowBox, text, 1, n, "1.5rem");
    });
    const sum = nmElement("p", { class: "nm-sum" }, rowBox);
    nmElement("p", { class: "nm-small" }, rowBox, "Orange is above zero, blue below; empty is zero.");

    const row = frame.slider(spec.sliders[0]);
    const column = frame.slider(spec.sliders[1]);
    const kernel = frame.choice("Kernel", spec.names, spec.start);
    const edges = frame.choice("Edges", ["zero padding", "joined to a ring"]);
    const go = (y, x) => { row.near(y); column.near(x); };
    const half = () => kernels[kernel.index()].shape[0] / 2;
    const inside = (x, y) => Math.max(Math.abs(x - column.value() - 0.5), Math.abs(y - row.value() - 0.5)) < half();
    frame.drag(map, { grab: (x, y) => (inside(x, y) ? 0 : null), move: (_, x, y) => go(y - 0.5, x - 0.5) });
    const place = (grid, event) => {
      const box = grid.svg.getBoundingClientRect();
      return [Math.floor(grid.scales.xAt(event.clientX - box.left)), Math.floor(grid.scales.yAt(event.clientY - box.top))];
    };
    for (const grid of [map, answer]) {
      grid.svg.addEventListener("click", (event) => { const [x, y] = place(grid, event); go(y, x); });
    }
    whole.svg.addEventListener("click", (event) => {
      const unit = place(whole, event)[1];
      go(Math.floor(unit / width), unit % width);
    });

    let known = "";
    let matrix = null;
    let found = null;
    return () => {
      const weights = kernels[kernel.index()];
      const setting = `${kernel.index()} ${edges.index()}`;
      if (setting !== known) {
        known = setting;
        matrix = nmConvolutionMatrix(weights, height, width, edges.index() === 1);
        found = nmConvolved(matrix, image);
        map.show(image, nmLargest(image));
        answer.show(found, nmLargest(found));
        whole.show(matrix, nmLargest(weights));
      }
      const [y, x, size] = [row.value(), column.value(), weights.shape[0]];
      const unit = y * width + x;
      map.box(x - (size >> 1), y - (size >> 1), size, size);
      answer.box(x, y, 1, 1);
      whole.box(0, unit, n, 1);
      const own = matrix.slice(unit * n, (unit + 1) * n);
      const products = nmProducts(matrix, image, unit);
      strips[0].show(own, nmLargest(weights));
      strips[1].show(image, nmLargest(image));
      strips[2].show(products, nmLargest(products));
      rowTitle.textContent = `Row ${unit} = ${y} · ${width} + ${x}`;
      const value = nmTools.fixed(found[unit], 2);
      sum.textContent = `The products add up to ${value}.`;
      map.label(`Map of ${height} by ${width} rates; the window stands at row ${y}, column ${x}.`);
      answer.label(`What the kernel "${spec.names[kernel.index()]}" makes of it; the marked unit has ${value}.`);
      whole.label(`Matrix of ${n} by ${n} entries; row ${unit} is marked.`);
      const joined = own.filter((v) => v !== 0).length;
      const full = weights.filter((v) => v !== 0).length;
      const lost = joined < full ? ` ${full - joined} of ${full} weights lie over the edge.` : "";
      return `Row ${y}, column ${x} is unit ${unit}: it receives from ${joined} of ${n} units, in sum ${value}.${lost}`;
    };
  });
}
