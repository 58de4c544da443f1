// All answers of the reader on this site: nmMyAnswers(id) shows, saves and clears them.

function nmMyAnswers(id) {
  const root = nmRoot(id);
  if (!root) return;
  const [count, verdict] = [".nm-count", ".nm-verdict"].map((name) => root.querySelector(name));
  const [csv, json, clear] = root.querySelectorAll("button");
  const list = root.querySelector("details"), body = root.querySelector("tbody");
  const label = clear.textContent;
  let sure = false;

  const show = () => {
    const rows = nmAnswersStored(), none = rows.length === 0;
    const right = rows.filter((row) => row.right === true).length;
    count.textContent = none
      ? "No answer is stored in this browser."
      : `${rows.length} ${rows.length === 1 ? "answer is" : "answers are"} stored in this browser, ${right} of them right.`;
    for (const button of [csv, json, clear]) button.disabled = none;
    list.hidden = none;
    body.replaceChildren(...rows.map((row) => {
      const line = document.createElement("tr");
      const mark = row.right === "" ? "" : row.right ? "\u2713 right" : "\u2717 not so";
      for (const text of [row.page, row.question, row.answer, mark]) {
        line.appendChild(document.createElement("td")).textContent = text;
      }
      return line;
    }));
  };
  const calm = () => { sure = false; clear.textContent = label; };
  for (const [button, format] of [[csv, "csv"], [json, "json"]]) {
    button.addEventListener("click", () => {
      calm();
      const saved = nmSave(format);
      verdict.textContent = `${saved} ${saved === 1 ? "answer" : "answers"} saved to a file.`;
    });
  }
  clear.addEventListener("click", () => {
    const keys = nmStore.keys();
    if (!sure) {
      sure = true;
      clear.textContent = `Clear ${keys.length}? Press again`;
      verdict.textContent = "Press once more to clear them. Save them first if you want to keep them.";
      return;
    }
    keys.forEach((key) => nmStore.set(key, null));
    calm();
    verdict.textContent = "All answers are cleared.";
    root.querySelector(".nm-count").focus();
  });
  clear.addEventListener("blur", calm);
  window.addEventListener("nmcourse-answers", show);
  window.addEventListener("storage", show);
  root.querySelector(".nm-actions").hidden = false;
  show();
}
