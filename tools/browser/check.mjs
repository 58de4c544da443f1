// Open pages of the built site in Chromium and report what a reader would run into.
//
//   node check.mjs FOLDER PAGE... [--shots FOLDER] [--chromium PATH]
//
// Each PAGE is a path inside FOLDER, such as book/intro.html. Every page is opened from the disk,
// wide and at 375 px, light and dark. The result is printed as one JSON object: page -> problems.

import { mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { shots: { type: "string" }, chromium: { type: "string" } },
});
const [folder, ...pages] = positionals;
const WIDTHS = { wide: 1280, narrow: 375 };
const SCHEMES = ["light", "dark"];
const PATIENCE_MS = 120_000; // for a machine that is busy with other things

// The theme declares this constant twice on pages with a launch button; nothing depends on it.
const KNOWN_ERRORS = [/Identifier 'THEBE_JS_URL' has already been declared/];

/** Wait until MathJax, if the page has it, has typeset everything. */
async function settle(page) {
  await page.evaluate(async () => {
    if (document.querySelector('script[src*="mathjax"], #MathJax-script')) {
      while (!window.MathJax?.startup?.promise) {
        await new Promise((done) => setTimeout(done, 20));
      }
      await window.MathJax.startup.promise;
    }
  });
}

/** Return what sticks out of the page to the right, if the page can be scrolled sideways. */
function overflow(page) {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width + 1) return [];
    const clipped = (element) => {
      for (let box = element.parentElement; box; box = box.parentElement) {
        if (box !== document.body && getComputedStyle(box).overflowX !== "visible") return true;
      }
      return false;
    };
    const text = document.querySelector("article") ?? document.body;
    const wide = [...text.querySelectorAll("*")].filter(
      (element) => element.getBoundingClientRect().right > width + 1 && !clipped(element),
    );
    return (wide.length > 0 ? wide : [document.body]).slice(0, 3).map((e) => e.outerHTML.slice(0, 120));
  });
}

/** Return formulas that were left as source, or that MathJax could not read. */
function mathProblems(page) {
  return page.evaluate(() => {
    const formulas = [...document.querySelectorAll(".math")];
    const raw = formulas.filter((formula) => !formula.querySelector("mjx-container"));
    const errors = [...document.querySelectorAll('mjx-merror, [data-mml-node="merror"]')];
    return [
      ...raw.map((formula) => `formula not typeset: ${formula.textContent.slice(0, 80)}`),
      ...errors.map((error) => `formula with an error: ${error.textContent.slice(0, 80)}`),
    ];
  });
}

/** Move every slider of every interactive figure by keyboard; the figure has to change. */
async function sliderProblems(page) {
  const problems = [];
  const figures = await page.locator(".nm-interactive").all();
  for (const [index, figure] of figures.entries()) {
    const name = `interactive figure ${index + 1}`;
    const sliders = await figure.locator("input[type=range]").all();
    if (sliders.length === 0) problems.push(`${name}: no slider`);
    for (const [number, slider] of sliders.entries()) {
      const which = `${name}, slider ${number + 1}`;
      const label = await slider.evaluate(
        (input) => input.labels?.[0]?.textContent || input.getAttribute("aria-label") ||
          document.getElementById(input.getAttribute("aria-labelledby"))?.textContent || "",
      );
      if (!label.trim()) problems.push(`${which}: no label`);
      const mask = [figure.locator("input")]; // that the slider itself moves is not enough
      const picture = () => figure.screenshot({ animations: "disabled", mask });
      await slider.focus();
      const before = { value: await slider.inputValue(), picture: await picture() };
      const high = await slider.evaluate(
        (input) => Number(input.value) - Number(input.min) > Number(input.max) - Number(input.value),
      );
      for (let press = 0; press < 4; press++) await page.keyboard.press(high ? "ArrowLeft" : "ArrowRight");
      await page.waitForTimeout(150);
      if ((await slider.inputValue()) === before.value) problems.push(`${which}: keys do not move it`);
      const text = await figure.innerText();
      if (/\b(NaN|undefined|Infinity)\b/.test(text)) problems.push(`${which}: shows ${text.match(/\b(NaN|undefined|Infinity)\b/)[0]}`);
      if ((await picture()).equals(before.picture)) problems.push(`${which}: the figure does not respond`);
    }
  }
  return problems;
}

/** Answer every question by keyboard: it has to reply, to store the answer, and to save it to a file. */
async function questionProblems(page) {
  const problems = [];
  const stored = () => page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("nmcourse:")).length);
  const questions = await page.locator(".nm-predict").all();
  for (const [index, question] of questions.entries()) {
    const name = `question ${index + 1}`;
    await question.locator("input[type=radio]").last().focus();
    await page.keyboard.press("Space");
    await question.locator(".nm-check").focus();
    await page.keyboard.press("Enter");
    if (!(await question.locator(".nm-verdict").innerText()).trim()) problems.push(`${name}: no reply`);
    if (!(await question.locator("details").isVisible())) problems.push(`${name}: no explanation`);
  }
  if (questions.length > 0 && (await stored()) === 0) problems.push("questions: no answer is stored");
  // A browser asks before an eleventh download in a row, so the buttons of a few questions stand for all.
  const under = (await page.locator(".nm-save:visible").all()).slice(0, 3);
  for (const button of [...under, ...(await page.locator(".nm-answers button:enabled").all())]) {
    const label = await button.innerText();
    if (!label.startsWith("Save")) continue;
    await button.focus();
    const [file] = await Promise.all([
      page.waitForEvent("download", { timeout: 10_000 }).catch(() => null),
      page.keyboard.press("Enter"),
    ]);
    const text = file ? readFileSync(await file.path(), "utf8") : "";
    const asked = await page.locator(".nm-question").allInnerTexts();
    if (!file) problems.push(`${label}: no file`);
    else if (!asked.every((one) => text.replaceAll('""', '"').replaceAll('\\"', '"').includes(one.trim()))) {
      problems.push(`${label}: not every question is in the file`);
    }
  }
  const clear = page.locator(".nm-answers button").last();
  if ((await clear.count()) > 0 && questions.length > 0) {
    await clear.focus();
    await page.keyboard.press("Enter");
    if ((await stored()) === 0) problems.push("answers: cleared without asking");
    await page.keyboard.press("Enter");
    if ((await stored()) !== 0) problems.push("answers: not cleared");
    if ((await page.locator(".nm-check:visible").count()) < questions.length) {
      problems.push("answers: cleared, but a question still shows one");
    }
  }
  return problems;
}

/** Go through a deck of slides by keyboard; every slide has to come into view. */
async function deckProblems(page) {
  const slides = await page.locator("main#deck > section").all();
  if (slides.length === 0) return [];
  const problems = [];
  const place = () => page.locator("#place").innerText();
  await page.evaluate(() => document.activeElement?.blur()); // a slider keeps its keys
  await page.keyboard.press("Home");
  for (const [index, slide] of slides.entries()) {
    if (index > 0) await page.keyboard.press("ArrowRight");
    const seen = await slide.evaluate((section) => {
      const box = section.getBoundingClientRect();
      return Math.abs(box.top) < 3 && document.activeElement === section;
    });
    const expected = `${index + 1} of ${slides.length}`;
    if (!seen || (await place()) !== expected) problems.push(`slide ${index + 1}: keys do not reach it`);
  }
  await page.keyboard.press("ArrowLeft");
  if ((await place()) !== `${slides.length - 1} of ${slides.length}`) problems.push("slides: no way back");
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  const before = await theme();
  await page.keyboard.press("t");
  if ((await theme()) === before) problems.push("slides: T does not change the theme");
  await page.keyboard.press("t");
  return problems;
}

/** Open one page in one colour scheme at every width; return the problems found. */
async function inspect(browser, name, scheme) {
  const problems = new Set();
  const context = await browser.newContext({ colorScheme: scheme, reducedMotion: "reduce" });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") problems.add(`console error: ${message.text()}`);
  });
  page.on("pageerror", (error) => {
    if (!KNOWN_ERRORS.some((known) => known.test(error.message))) problems.add(`script error: ${error.message}`);
  });
  page.on("requestfailed", (request) => problems.add(`request failed: ${request.url()}`));
  await page.route(/^(https?|wss?):/, (route) => {
    problems.add(`fetches ${route.request().url()}`);
    return route.abort();
  });
  await page.setViewportSize({ width: WIDTHS.wide, height: 900 });
  await page.goto(pathToFileURL(resolve(folder, name)).href, { waitUntil: "load" });
  await settle(page);
  await page.addStyleTag({ content: "* { transition: none !important; }" });
  for (const problem of await mathProblems(page)) problems.add(problem);
  const theme = await page.evaluate(() => document.documentElement.dataset.theme);
  if (theme !== scheme) problems.add(`theme is ${theme} where the reader prefers ${scheme}`);
  for (const [size, width] of Object.entries(WIDTHS)) {
    await page.setViewportSize({ width, height: size === "wide" ? 900 : 812 });
    await page.waitForTimeout(60);
    for (const element of await overflow(page)) problems.add(`too wide at ${width} px: ${element}`);
    if (options.shots) {
      mkdirSync(options.shots, { recursive: true });
      const file = `${name.replace(/\.html$/, "").replaceAll("/", "-")}-${size}-${scheme}.png`;
      await page.screenshot({ path: join(options.shots, file), fullPage: true });
    }
    if (scheme === "light") {
      for (const problem of await deckProblems(page)) problems.add(`${problem} (${width} px)`);
      for (const problem of await sliderProblems(page)) problems.add(`${problem} (${width} px)`);
      if (size === "wide") for (const problem of await questionProblems(page)) problems.add(problem);
    }
  }
  await context.close();
  return [...problems].map((problem) => `${scheme}: ${problem}`);
}

const browser = await chromium.launch({
  executablePath: options.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const report = {};
for (const name of pages) {
  report[name] = [];
  for (const scheme of SCHEMES) {
    try {
      report[name].push(...(await inspect(browser, name, scheme)));
    } catch (error) {
      report[name].push(`${scheme}: the page could not be looked at: ${error.message}`);
    }
  }
}
await browser.close();
console.log(JSON.stringify(report, null, 1));
