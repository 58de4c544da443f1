// Moves between slides. Without it, the deck is a page that scrolls.
(function () {
  const main = document.getElementById("deck");
  const slides = Array.from(main.querySelectorAll("section"));
  const place = document.getElementById("place");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = false;
  const paint = (theme) => { document.documentElement.dataset.theme = theme; };
  paint(dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => { if (!chosen) paint(dark.matches ? "dark" : "light"); });
  const turn = () => {
    chosen = true;
    paint(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  };

  let current = 0;
  const tell = () => { place.textContent = `${current + 1} of ${slides.length}`; };
  const go = (index) => {
    current = Math.max(0, Math.min(slides.length - 1, index));
    main.scrollTop = slides[current].offsetTop - main.offsetTop;
    slides[current].focus({ preventScroll: true });
    try { history.replaceState(null, "", `#s${current + 1}`); } catch (error) { /* from a file */ }
    tell();
  };
  main.addEventListener("scroll", () => {
    const middle = main.scrollTop + main.offsetTop + main.clientHeight / 3;
    const shown = slides.findLastIndex((slide) => slide.offsetTop <= middle);
    if (shown >= 0 && shown !== current) { current = shown; tell(); }
  });
  document.getElementById("back").addEventListener("click", () => go(current - 1));
  document.getElementById("on").addEventListener("click", () => go(current + 1));
  document.getElementById("theme").addEventListener("click", turn);

  // A slider, a button and an open list keep their keys; the page keys always move on.
  const step = { PageDown: 1, PageUp: -1, ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1, " ": 1 };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const busy = event.target.closest && event.target.closest("input, select, textarea, button, summary, pre");
    const paging = event.key === "PageDown" || event.key === "PageUp";
    if (busy && !paging) return;
    const slide = slides[current];
    const tall = slide.offsetHeight > main.clientHeight + 4;
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && tall) return; // scrolls
    if (event.key in step) go(current + (event.key === " " && event.shiftKey ? -1 : step[event.key]));
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(slides.length - 1);
    else if (event.key === "t" || event.key === "T") turn();
    else return;
    event.preventDefault();
  });
  // What is wider or taller than the screen is made smaller, as far as it can still be read. A
  // figure that answers to a pointer keeps its size.
  const SMALLEST = 0.7;
  const fit = () => {
    const small = window.innerWidth < 700; // a phone scrolls
    for (const formula of main.querySelectorAll("div.math")) {
      formula.style.fontSize = "";
      const part = formula.clientWidth / formula.scrollWidth;
      if (part < 1) formula.style.fontSize = `${Math.max(SMALLEST, 0.98 * part)}em`;
    }
    for (const slide of slides) {
      const box = slide.querySelector(".box");
      box.style.zoom = "";
      if (small || slide.querySelector(".nm-interactive")) continue;
      const edges = getComputedStyle(slide);
      const room = main.clientHeight - parseFloat(edges.paddingTop) - parseFloat(edges.paddingBottom) - 2;
      if (box.offsetHeight > room) box.style.zoom = Math.max(SMALLEST, room / box.offsetHeight);
    }
  };
  let waiting = 0;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { fit(); go(current); }, 150);
  });
  window.addEventListener("load", fit);
  window.addEventListener("beforeprint", () => {
    for (const slide of slides) slide.querySelector(".box").style.zoom = "";
    for (const folded of main.querySelectorAll(".nm-box details")) folded.open = true;
  });
  window.addEventListener("afterprint", fit);

  const asked = /^#s(\d+)$/.exec(location.hash);
  const start = () => { if (asked) go(Number(asked[1]) - 1); else tell(); };
  start();
  window.MathJax?.startup?.promise?.then(() => { fit(); start(); });
})();
