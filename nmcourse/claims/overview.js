// Filters the rows of the table of all claims. Without this script it is the plain table.
function nmOverview(id) {
  const box = document.getElementById(id);
  const form = box.querySelector("form");
  const rows = [...box.querySelectorAll("tbody tr")];
  const chosen = [...form.querySelectorAll("select")];
  const count = form.querySelector("output");
  const show = () => {
    let shown = 0;
    for (const row of rows) {
      row.hidden = chosen.some((one) => one.value && !row.dataset[one.name].split("|").includes(one.value));
      shown += !row.hidden;
    }
    count.textContent = `${shown} of ${rows.length} claims`;
  };
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(show)); // the choices change after the event
  form.hidden = false;
  show();
}
