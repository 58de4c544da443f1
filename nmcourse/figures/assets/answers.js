// Where answers to questions are kept: in this browser (localStorage), or in this page where that is
// not allowed. Nothing is sent anywhere. nmSave writes them all into a file of the reader's.

const nmPrefix = "nmcourse:predict:";
window.nmcourseMemory ??= {};
const nmStore = {
  get(key) {
    try { return window.localStorage.getItem(key); } catch (error) { return window.nmcourseMemory[key] ?? null; }
  },
  set(key, value) {
    try {
      if (value === null) window.localStorage.removeItem(key);
      else window.localStorage.setItem(key, value);
    } catch (error) {
      if (value === null) delete window.nmcourseMemory[key];
      else window.nmcourseMemory[key] = value;
    }
    window.dispatchEvent(new Event("nmcourse-answers"));
  },
  keys() {
    try { return Object.keys(window.localStorage).filter((key) => key.startsWith(nmPrefix)); } catch (error) {
      return Object.keys(window.nmcourseMemory).filter((key) => key.startsWith(nmPrefix));
    }
  },
};

// One stored answer, or null. Earlier versions stored the number of the option alone.
function nmRead(key) {
  try {
    const value = JSON.parse(nmStore.get(key));
    return typeof value === "number" ? {chosen: value} : value;
  } catch (error) { return null; }
}

const nmColumns = ["page", "question", "answer", "right", "time", "id"];
function nmAnswersStored() {
  const found = nmStore.keys().map((key) => ({id: key.slice(nmPrefix.length), ...nmRead(key)}));
  const rows = found.map((one) => Object.fromEntries(nmColumns.map((name) => [name, one[name] ?? ""])));
  return rows.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}

// A text in a spreadsheet: in quotes, and never read as a formula.
const nmCell = (value) => {
  const text = String(value);
  return `"${(/^[=+\-@]/.test(text) ? "'" + text : text).replaceAll('"', '""')}"`;
};

function nmSave(format) {
  const rows = nmAnswersStored(), day = new Date().toISOString().slice(0, 10);
  const lines = [nmColumns, ...rows.map((row) => nmColumns.map((name) => row[name]))];
  const text = format === "json"
    ? JSON.stringify({course: "nmcourse", saved: new Date().toISOString(), answers: rows}, null, 1) + "\n"
    : "\ufeff" + lines.map((line) => line.map(nmCell).join(",")).join("\r\n") + "\r\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: format === "json" ? "application/json" : "text/csv"}));
  link.download = `nmcourse-answers-${day}.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  return rows.length;
}
