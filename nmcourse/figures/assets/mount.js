// The element of a widget, for the script in it; null if it is alive already.
function nmRoot(id) {
  const here = document.currentScript && document.currentScript.closest("[data-nm]");
  const free = () => document.querySelector(`[data-nm="${id}"]:not([data-nm-ready])`);
  const root = here && !here.hasAttribute("data-nm-ready") ? here : free();
  if (root) root.setAttribute("data-nm-ready", "");
  return root;
}
