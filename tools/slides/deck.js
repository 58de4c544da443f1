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
  const asked = /^#s(\d+)$/.exec(location.hash);
  const start = () => { if (asked) go(Number(asked[1]) - 1); else tell(); };
  start();
  window.MathJax?.startup?.promise?.then(start);
})();
