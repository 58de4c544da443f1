// Numbers as an image on a canvas, and maps side by side. It uses mount.js and drawing.js.

// 0 is transparent, so that it shows the page; 1 is orange, -1 blue.
function nmHeatColour(value) {
  const share = Math.sqrt(Math.min(1, Math.abs(value)));
  return [...(value < 0 ? [60, 120, 215] : [221, 105, 20]), Math.round(255 * share)];
}

// Draw maps { c, h, w, data } (or one map with c = 1) into a canvas, all channels in a row of `across`.
function nmHeat(canvas, maps, largest, across) {
  const columns = across || maps.c;
  const rows = Math.ceil(maps.c / columns);
  const gap = maps.c > 1 ? 1 : 0;
  canvas.width = columns * (maps.w + gap) - gap;
  canvas.height = rows * (maps.h + gap) - gap;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  const image = context.createImageData(maps.w, maps.h);
  for (let c = 0; c < maps.c; c++) {
    for (let k = 0; k < maps.h * maps.w; k++) {
      const colour = nmHeatColour(maps.data[c * maps.h * maps.w + k] / (largest || 1));
      image.data.set(colour, 4 * k);
    }
    context.putImageData(image, (c % columns) * (maps.w + gap), Math.floor(c / columns) * (maps.h + gap));
  }
}

function nmLargest(values) {
  let largest = 0;
  for (const v of values) if (Math.abs(v) > largest) largest = Math.abs(v);
  return largest;
}
