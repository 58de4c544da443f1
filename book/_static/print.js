// On paper nothing can be unfolded: folded texts are open, and solutions stand at the end as an appendix.
(() => {
  let undo = [];
  window.nmBeforePrint = () => {
    if (undo.length > 0) return;
    for (const folded of document.querySelectorAll(".bd-article details:not([open])")) {
      folded.open = true;
      undo.push(() => (folded.open = false));
    }
    for (const article of document.querySelectorAll(".bd-article")) {
      const solutions = [...article.querySelectorAll(".cell.tag_solution")];
      if (solutions.length === 0) continue;
      const appendix = document.createElement("section");
      appendix.className = "nm-solutions";
      const heading = document.createElement("h2");
      heading.textContent = "Solutions";
      appendix.append(heading);
      let number = 0;
      for (const solution of solutions) {
        const exercises = [...article.querySelectorAll("div.exercise")].filter(
          (one) => one.compareDocumentPosition(solution) & Node.DOCUMENT_POSITION_FOLLOWING,
        );
        const title = exercises.at(-1)?.querySelector(".admonition-title, p")?.textContent.trim();
        const name = document.createElement("h3");
        name.textContent = title || `Solution ${(number += 1)}`;
        const place = document.createElement("p");
        place.textContent = "The solution is at the end.";
        place.className = "nm-moved";
        solution.replaceWith(place);
        appendix.append(name, solution);
        undo.push(() => place.replaceWith(solution));
      }
      article.append(appendix);
      undo.push(() => appendix.remove());
    }
  };
  window.nmAfterPrint = () => {
    for (const one of undo.reverse()) one();
    undo = [];
  };
  window.addEventListener("beforeprint", window.nmBeforePrint);
  window.addEventListener("afterprint", window.nmAfterPrint);
})();
