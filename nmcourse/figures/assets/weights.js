// Arrays that came with the page. nmUnpack turns { shape, type, data } (base64, little-endian), as
// frame.py packs it, into a Float64Array with a `shape`, wherever it stands in a value.

function nmUnpack(value) {
  if (Array.isArray(value)) return value.map(nmUnpack);
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  if (typeof value.data === "string" && Array.isArray(value.shape)) {
    const bytes = Uint8Array.from(atob(value.data), (c) => c.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const size = { f2: 2, f4: 4, f8: 8 }[value.type];
    const found = new Float64Array(bytes.length / size);
    const half = (bits) => {  // few browsers read half precision themselves
      const [power, rest] = [(bits >> 10) & 31, bits & 1023];
      return (bits >> 15 ? -1 : 1) * (power ? (1 + rest / 1024) * 2 ** (power - 15) : rest * 2 ** -24);
    };
    for (let k = 0; k < found.length; k++) {
      if (size === 2) found[k] = half(view.getUint16(2 * k, true));
      else found[k] = size === 4 ? view.getFloat32(4 * k, true) : view.getFloat64(8 * k, true);
    }
    found.shape = value.shape;
    return found;
  }
  const open = {};
  for (const key in value) open[key] = nmUnpack(value[key]);
  return open;
}

if (typeof module !== "undefined" && module.exports) Object.assign(module.exports, { nmUnpack });
