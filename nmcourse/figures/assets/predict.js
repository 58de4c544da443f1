// A question to answer before the figure: nmPredict(id, spec) brings its form to life.
// answers.js keeps the answer.

function nmPredict(id, spec) {
  const root = nmRoot(id);
  if (!root) return;

  const key = nmPrefix + id;
  const inputs = Array.from(root.querySelectorAll("input[type=radio]"));
  const options = inputs.map((input) => input.closest(".nm-option"));
  const [check, again, save] = root.querySelectorAll("button");
  const verdict = root.querySelector(".nm-verdict");
  const explanation = root.querySelector("details");
  // Two copies of one question on a page must not share their buttons.
  const copy = document.querySelectorAll(`[data-nm="${id}"][data-nm-ready]`).length;
  inputs.forEach((input) => { input.name = `${id}-${copy}`; });
  root.querySelector(".nm-actions").hidden = false;
  explanation.hidden = true;

  const show = (chosen) => {
    const right = chosen === spec.answer;
    options.forEach((option, k) => {
      option.classList.toggle("nm-right", k === spec.answer);
      option.classList.toggle("nm-wrong", k === chosen && !right);
      const mark = k === spec.answer ? "\u2713 answer" : k === chosen ? "\u2717 your prediction" : "";
      option.querySelector(".nm-mark").textContent = mark;
      inputs[k].disabled = true;
      inputs[k].checked = k === chosen;
    });
    verdict.innerHTML = (right ? "<strong>Yes.</strong> " : "<strong>Not so.</strong> ") + spec.feedback[chosen];
    explanation.hidden = false;
    explanation.open = true;
    check.hidden = true;
    again.hidden = save.hidden = false;
  };
  const clear = () => {
    options.forEach((option, k) => {
      option.classList.remove("nm-right", "nm-wrong");
      option.querySelector(".nm-mark").textContent = "";
      inputs[k].disabled = false;
      inputs[k].checked = false;
    });
    verdict.textContent = "";
    explanation.hidden = true;
    check.hidden = false;
    again.hidden = save.hidden = true;
  };
  const text = (element) => element.textContent.trim().replace(/\s+/g, " ");
  const answered = (chosen) => JSON.stringify({
    chosen,
    page: (document.querySelector("h1")?.firstChild?.textContent ?? document.title).trim(),
    question: text(root.querySelector(".nm-question")),
    answer: text(options[chosen].querySelector("span")),
    right: chosen === spec.answer,
    time: new Date().toISOString(),
  });
  check.addEventListener("click", () => {
    const chosen = inputs.findIndex((input) => input.checked);
    if (chosen < 0) {
      verdict.textContent = "Choose one answer first.";
      return;
    }
    nmStore.set(key, answered(chosen));
    show(chosen);
    again.focus();
  });
  again.addEventListener("click", () => {
    nmStore.set(key, null);
    clear();
    inputs[0].focus();
  });
  save.addEventListener("click", () => {
    const saved = nmSave("csv");
    verdict.textContent = `${saved} ${saved === 1 ? "answer" : "answers"} of this site saved to a file.`;
  });
  // Cleared elsewhere on the page: the question is open again.
  window.addEventListener("nmcourse-answers", () => {
    if (nmStore.get(key) === null && check.hidden) clear();
  });
  const before = nmRead(key);
  if (before && inputs[before.chosen]) show(before.chosen);
}
