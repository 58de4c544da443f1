// Shows what a link leads to (a word of the glossary, a citation, a claim) beside the link, for the mouse, for the
// keyboard, and for a finger: the first tap shows it, the second one follows the link. Without this script the browser shows the same text by itself, for the mouse only.
document.addEventListener("DOMContentLoaded", () => {
  const links = document.querySelectorAll(".bd-article a.internal[title]");
  if (links.length === 0) return;
  const bubble = document.createElement("div");
  bubble.className = "nm-preview";
  bubble.setAttribute("aria-hidden", "true"); // the link has the text as its description
  bubble.hidden = true;
  document.body.append(bubble);
  let shown = null;
  let waiting = 0;
  const hide = () => {
    clearTimeout(waiting);
    bubble.hidden = true;
    shown = null;
  };
  const show = (link, tapped = false) => {
    clearTimeout(waiting);
    shown = link;
    bubble.textContent = link.getAttribute("aria-description");
    if (tapped) bubble.append(Object.assign(document.createElement("small"), { textContent: "Tap the link again to follow it." }));
    bubble.hidden = false;
    const place = link.getClientRects()[0] ?? link.getBoundingClientRect();
    const box = bubble.getBoundingClientRect();
    const left = Math.max(8, Math.min(place.left, document.documentElement.clientWidth - box.width - 8));
    const below = place.bottom + 6;
    const top = below + box.height < window.innerHeight ? below : Math.max(8, place.top - box.height - 6);
    bubble.style.left = `${left}px`;
    bubble.style.top = `${top}px`;
  };
  const soon = (what, after) => {
    clearTimeout(waiting);
    waiting = setTimeout(what, after);
  };
  for (const link of links) {
    link.setAttribute("aria-description", link.title);
    link.removeAttribute("title");
    link.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse") soon(() => show(link), 150);
    });
    link.addEventListener("pointerleave", () => soon(hide, 200));
    link.addEventListener("focus", () => {
      if (link.matches(":focus-visible")) show(link);
    });
    link.addEventListener("blur", hide);
    let finger = false;
    link.addEventListener("pointerdown", (event) => { finger = event.pointerType === "touch"; });
    link.addEventListener("click", (event) => {
      if (!finger || shown === link) return;
      event.preventDefault();
      show(link, true);
    });
  }
  document.addEventListener("pointerdown", (event) => {
    if (shown && event.pointerType === "touch" && !shown.contains(event.target) && !bubble.contains(event.target)) hide();
  });
  // It stays while the mouse is on it, and goes with Escape.
  bubble.addEventListener("pointerenter", () => clearTimeout(waiting));
  bubble.addEventListener("pointerleave", () => soon(hide, 200));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && shown) hide();
  });
  // The focus may itself have moved the page: the text goes along, until its link is out of sight.
  document.addEventListener("scroll", () => {
    if (!shown) return;
    const place = shown.getBoundingClientRect();
    if (place.bottom < 0 || place.top > window.innerHeight) hide();
    else show(shown, bubble.querySelector("small") !== null);
  }, { passive: true, capture: true });
});
