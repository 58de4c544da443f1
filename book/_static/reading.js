// What a reader has read and solved, and where the reader was. It is kept in this browser and goes nowhere.
document.addEventListener("DOMContentLoaded", () => {
  const KEY = "nm-reading";
  const article = document.querySelector(".bd-article");
  const root = new URL(document.documentElement.dataset.content_root ?? "./", location.href).href;
  if (!article || !location.href.startsWith(root)) return;
  const page = location.href.slice(root.length).split(/[?#]/)[0];
  const load = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY));
      return { read: {}, solved: {}, ...(kept && typeof kept === "object" ? kept : {}) };
    } catch {
      return { read: {}, solved: {} };
    }
  };
  const change = (how) => {
    const state = load(); // another tab may have changed it
    how(state);
    try {
      localStorage.setItem(KEY, JSON.stringify(state));
    } catch {
      // A browser that keeps nothing: the marks last until the page is left.
    }
    return state;
  };
  const chapter = /^book\/(start|dynamics|neuromodulation|vision)\//.test(page);

  /** A mark in the navigation beside every page that was read. */
  const navigation = (state) => {
    for (const link of document.querySelectorAll(".bd-sidebar-primary nav a.reference.internal")) {
      link.querySelector(".nm-was-read")?.remove();
      if (state.read[link.href.slice(root.length).split("#")[0]]) {
        const mark = document.createElement("span");
        mark.className = "nm-was-read";
        mark.innerHTML = ' <span aria-hidden="true">✓</span><span class="visually-hidden">read</span>';
        link.append(mark);
      }
    }
  };

  /** A button that is on or off. */
  const toggle = (text, group, key) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "nm-toggle";
    const draw = (on) => {
      button.setAttribute("aria-pressed", String(on));
      button.textContent = `${on ? "✓" : "○"} ${text}`;
    };
    button.addEventListener("click", () => {
      const state = change((all) => {
        if (all[group][key]) delete all[group][key];
        else all[group][key] = true;
      });
      draw(Boolean(state[group][key]));
      navigation(state);
    });
    draw(Boolean(load()[group][key]));
    return button;
  };

  navigation(load());
  if (chapter) {
    const line = document.createElement("p");
    line.className = "nm-marks";
    line.append(toggle("I have read this page", "read", page));
    (article.querySelector(":scope > section") ?? article).append(line);
    for (const exercise of article.querySelectorAll("div.exercise[id]")) {
      const solved = document.createElement("p");
      solved.className = "nm-marks";
      solved.append(toggle("Solved", "solved", `${page}#${exercise.id}`));
      exercise.append(solved);
    }
    // The section that is at the top of the window.
    const headings = [...article.querySelectorAll("section[id] > :is(h1, h2, h3)")];
    let waiting = 0;
    const note = () => {
      const passed = headings.filter((one) => one.getBoundingClientRect().top < window.innerHeight / 3);
      const here = passed.at(-1) ?? headings[0];
      if (!here) return;
      const name = (one) => one.cloneNode(true).childNodes;
      const text = (one) => [...name(one)].filter((n) => !n.classList?.contains("headerlink")).map((n) => n.textContent).join("").trim();
      change((all) => {
        all.last = { page, place: here.parentElement.id, title: text(headings[0]), section: here === headings[0] ? "" : text(here) };
      });
    };
    window.addEventListener("scroll", () => {
      clearTimeout(waiting);
      waiting = setTimeout(note, 400);
    }, { passive: true });
    note();
  }

  // On the front page: where was I?
  const { last, read, solved } = load();
  if (page === "book/intro.html" && last && /^book\/[\w/]+\.html$/.test(last.page)) {
    const box = document.createElement("p");
    box.className = "nm-where";
    const link = document.createElement("a");
    link.href = `${root}${last.page}#${encodeURIComponent(last.place)}`;
    link.textContent = last.section ? `${last.title}: ${last.section}` : last.title;
    const forget = document.createElement("button");
    forget.type = "button";
    forget.className = "nm-toggle";
    forget.textContent = "Forget";
    forget.addEventListener("click", () => {
      localStorage.removeItem(KEY);
      navigation(load());
      box.textContent = "Nothing is kept any more.";
    });
    const counts = `${Object.keys(read).length} pages read, ${Object.keys(solved).length} exercises solved.`;
    box.append("You were here: ", link, `. ${counts} `, forget);
    article.querySelector("h1")?.after(box);
  }
});
