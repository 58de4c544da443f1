// Numbers as coloured squares in an inline SVG: a map, a row, a matrix. It uses drawing.js and heat.js.

// One path for each colour that is there; an entry is a square of size one. Zero is left out.
function nmSquares(values, columns, largest) {
  const paths = new Map();
  values.forEach((value, k) => {
    if (!value) return;
    const [red, green, blue, alpha] = nmHeatColour(value / (largest || 1));
    const colour = `rgba(${red},${green},${blue},${(alpha / 255).toFixed(3)})`;
    const square = `M${k % columns} ${Math.floor(k / columns)}h1v1h-1z`;
    paths.set(colour, (paths.get(colour) || "") + square);
  });
  return paths;
}

// A grid in `parent` that shows rows x columns numbers, with a box around some of them.
// `high` stretches it: as many squares of width as of height by default.
function nmGrid(parent, label, rows, columns, high) {
  const svg = nmElement("svg", {
    role: "img", "aria-label": label, class: "nm-grid", viewBox: `0 0 ${columns} ${rows}`,
    ...(high ? { preserveAspectRatio: "none", style: `height:${high}` } : {}),
  }, parent);
  const squares = nmElement("g", { "shape-rendering": "crispEdges" }, svg);
  const box = nmElement("rect", { class: "nm-box", width: 0, height: 0 }, svg);
  const at = (length, count) => (pixel) => (pixel / svg.getBoundingClientRect()[length]) * count;
  return {
    svg,
    // what frame.drag asks: column and row at a place on the screen
    scales: { xAt: at("width", columns), yAt: at("height", rows) },
    show(values, largest) {
      squares.replaceChildren();
      for (const [fill, d] of nmSquares(values, columns, largest)) nmElement("path", { d, fill }, squares);
    },
    box(column, row, width, height) {
      for (const [name, value] of Object.entries({ x: column, y: row, width, height })) box.setAttribute(name, value);
    },
    label(text) { svg.setAttribute("aria-label", text); },
  };
}
