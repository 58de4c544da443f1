// Code that a reader cannot read to the end of its lines.

/** Return the open lines of code that are cut off at the right, in a window as wide as a desk's. */
export function clippedCode(page) {
  return page.evaluate(() => {
    const open = [...document.querySelectorAll("article div.highlight pre")].filter((pre) => pre.checkVisibility());
    return open.flatMap((pre) => {
      if (pre.scrollWidth <= pre.clientWidth + 1) return [];
      const room = pre.clientWidth - parseFloat(getComputedStyle(pre).paddingLeft);
      const ruler = document.createElement("canvas").getContext("2d");
      ruler.font = getComputedStyle(pre).font;
      const wide = pre.textContent.split("\n").filter((line) => ruler.measureText(line).width > room);
      return wide.map((line) => line.trim().slice(0, 80));
    });
  });
}

/** Return code that is wider than its box and that a finger cannot push sideways. */
export function stuckCode(page) {
  return page.evaluate(() => {
    const stuck = (pre) => {
      if (pre.scrollWidth <= pre.clientWidth + 1) return false;
      const style = getComputedStyle(pre);
      const scrolls = ["auto", "scroll"].includes(style.overflowX);
      for (let box = pre; box; box = box.parentElement) {
        const touch = getComputedStyle(box).touchAction;
        if (!["auto", "manipulation"].includes(touch) && !touch.includes("pan-x")) return true;
      }
      return !scrolls;
    };
    const open = [...document.querySelectorAll("article div.highlight pre")].filter((pre) => pre.checkVisibility());
    return open.filter(stuck).map((pre) => pre.textContent.trim().slice(0, 80));
  });
}
