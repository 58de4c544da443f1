// On a small screen a wide picture keeps a size at which it can be read, and scrolls in its own box.
addEventListener("load", () => {
  const LEAST = 540; // px; narrower, its text would be smaller than half of the page's
  const boxes = [];
  for (const picture of document.querySelectorAll(".bd-article figure img")) {
    const meant = parseFloat(picture.style.width || picture.getAttribute("width")) || picture.naturalWidth;
    if (!(meant > 375)) continue;
    const box = document.createElement("div");
    box.className = "nm-sideways";
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", "Picture, scrolls sideways");
    box.style.setProperty("--nm-least", `${Math.min(meant, LEAST)}px`);
    const whole = picture.closest("a.image-reference") ?? picture;
    whole.replaceWith(box);
    box.append(whole);
    boxes.push(box);
  }
  const reachable = () => {
    for (const box of boxes) {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", reachable);
  document.addEventListener("toggle", reachable, true); // what was folded has no width
  reachable();
});
