// A pad to draw a digit on, with mouse, finger or keys. nmInk and nmFitted need no page.

// Strokes (lists of [x, y] from 0 to 1) moved and enlarged so that they fill the square up to
// `margin`, as the digits of the data set were.
function nmFitted(strokes, margin) {
  const xs = strokes.flatMap((stroke) => stroke.map((p) => p[0]));
  const ys = strokes.flatMap((stroke) => stroke.map((p) => p[1]));
  if (!xs.length) return [];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const size = Math.max(right - left, bottom - top, 0.1);
  const scale = (1 - 2 * margin) / size;
  const middle = [(left + right) / 2, (top + bottom) / 2];
  return strokes.map((stroke) => stroke.map((p) => p.map((v, k) => 0.5 + scale * (v - middle[k]))));
}

// The share of each pixel that ink covers, counted on 4 x 4 places: as the digits were made.
function nmInk(strokes, height, width, radius) {
  const fine = 4;
  const pixels = new Float64Array(height * width);
  const lines = strokes.flatMap((stroke) => stroke.map((p, k) => [stroke[Math.max(0, k - 1)], p]));
  const covered = (x, y) => lines.some(([[ax, ay], [bx, by]]) => {
    const [dx, dy] = [bx - ax, by - ay];
    const length = dx * dx + dy * dy;
    const along = length ? Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length)) : 0;
    return (x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2 <= radius * radius;
  });
  for (let row = 0; row < fine * height; row++) {
    for (let col = 0; col < fine * width; col++) {
      if (covered((col + 0.5) / (fine * width), (row + 0.5) / (fine * height))) {
        pixels[Math.floor(row / fine) * width + Math.floor(col / fine)] += 1 / (fine * fine);
      }
    }
  }
  return pixels;
}

// nmPad(parent, label, drawn): drawn(strokes) is called after every stroke.
function nmPad(parent, label, drawn) {
  const size = 224;
  const canvas = nmElement("canvas", {
    width: size, height: size, tabindex: 0, role: "application", "aria-label": label, class: "nm-pad",
  }, parent);
  const context = canvas.getContext("2d");
  let strokes = [];
  let down = false;
  let cursor = [0.5, 0.3];
  let keys = false;

  const show = () => {
    const style = getComputedStyle(canvas);
    context.clearRect(0, 0, size, size);
    context.strokeStyle = context.fillStyle = style.color;
    context.lineWidth = size * 0.11;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of strokes) {
      context.beginPath();
      stroke.forEach(([x, y], k) => context[k ? "lineTo" : "moveTo"](x * size, y * size));
      if (stroke.length === 1) context.lineTo(stroke[0][0] * size, stroke[0][1] * size + 0.1);
      context.stroke();
    }
    if (keys) {
      context.strokeStyle = style.getPropertyValue("--nm-accent");
      context.lineWidth = down ? 5 : 2;
      context.beginPath();
      context.arc(cursor[0] * size, cursor[1] * size, 9, 0, 7);
      context.stroke();
    }
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const add = (point) => {
    strokes[strokes.length - 1].push(point);
    show();
  };
  const lift = () => {
    if (!down) return;
    down = false;
    show();
    drawn(strokes);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    down = true;
    keys = false;
    strokes.push([]);
    add(place(event));
  });
  canvas.addEventListener("pointermove", (event) => { if (down && !keys) add(place(event)); });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, lift);
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    if (event.key === " " || event.key === "Enter") {
      keys = true;
      if (down) lift();
      else {
        down = true;
        strokes.push([cursor.slice()]);
      }
    } else if (moves[event.key]) {
      keys = true;
      cursor = cursor.map((v, k) => Math.max(0.05, Math.min(0.95, v + 0.05 * moves[event.key][k])));
      if (down) strokes[strokes.length - 1].push(cursor.slice());
    } else return;
    event.preventDefault();
    show();
  });
  canvas.addEventListener("blur", () => { lift(); keys = false; show(); });
  return {
    canvas,
    down: () => down,
    clear() { strokes = []; show(); },
  };
}
