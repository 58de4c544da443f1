// Open pages of the built site in Chromium and report what a reader would run into.
//
//   node check.mjs FOLDER PAGE... [--shots FOLDER] [--chromium PATH] [--workers 2]
//
// Each PAGE is a path inside FOLDER, such as book/intro.html. Every page is opened from the disk,
// wide and at 375 px, light and dark, and once without JavaScript. The result is printed as one JSON object: page -> problems.
// How fast figures answer is printed to the other stream, one line for each.

import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { accessProblems, unfold } from "./access.mjs";
import { clippedCode, stuckCode } from "./code.mjs";
import { shrunkenPictures } from "./pictures.mjs";
import { figureProblems } from "./figures.mjs";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { shots: { type: "string" }, chromium: { type: "string" }, workers: { type: "string", default: "1" } },
});
const [folder, ...pages] = positionals;
const WIDTHS = { wide: 1280, narrow: 375 };
const SCROLLBAR = 15; // px that a window keeps for itself; a headless browser shows none
const SCHEMES = ["light", "dark"];
const TAB_STOPS_MS = 400; // after a change of width the theme waits before it makes scrolling boxes reachable
const FIRST_PICTURE_MS = 2000;
const LEAST_PICTURE = 100; // px: a smaller picture shows nothing
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

/** Note in a page when its first picture has come, in ms since the page was asked for. */
function watchFirstPicture() {
  addEventListener("load", (event) => {
    if (event.target instanceof HTMLImageElement) window.nmFirstPicture ??= performance.now();
  }, true);
}

/** Return a problem if the first picture comes late, also the second time: a machine may have been busy. */
async function lateProblems(page) {
  const when = () => page.evaluate(() => window.nmFirstPicture ?? 0);
  let first = await when();
  if (first > FIRST_PICTURE_MS) {
    await page.reload({ waitUntil: "load" });
    await settle(page);
    first = Math.min(first, await when());
  }
  return first > FIRST_PICTURE_MS ? [`the first picture comes after ${Math.round(first)} ms`] : [];
}

/** Keep a page in this browser: marks that it was read, and where the reader was. */
async function readingProblems(page) {
  const button = page.locator(".nm-marks button").last();
  if ((await button.count()) === 0) return [];
  const problems = [];
  const kept = () => page.evaluate(() => JSON.parse(localStorage.getItem("nm-reading")));
  await button.focus();
  await page.keyboard.press("Enter");
  if ((await button.getAttribute("aria-pressed")) !== "true") problems.push("marks: a key does not set one");
  if (!(await kept())?.last?.place) problems.push("marks: where the reader is, is not kept");
  await page.keyboard.press("Enter");
  if ((await button.getAttribute("aria-pressed")) !== "false") problems.push("marks: a key does not take one back");
  return problems;
}

/** Go to the first link that has a preview; it has to come, and Escape takes it away. */
async function previewProblems(page) {
  const link = page.locator(".bd-article p:visible a.internal[aria-description]").first();
  if ((await link.count()) === 0) return [];
  const shown = () => page.locator(".nm-preview:visible").count();
  await page.keyboard.press("Tab"); // from here on the focus is that of a keyboard
  await link.focus();
  if ((await shown()) !== 1) return ["preview: not shown at the link"];
  await page.keyboard.press("Escape");
  if ((await shown()) !== 0) return ["preview: Escape does not close it"];
  // A finger: the first tap shows the text, the second one follows the link.
  await page.evaluate(() => document.activeElement.blur());
  const here = page.url();
  await link.tap();
  if ((await shown()) !== 1 || page.url() !== here) return ["preview: a tap does not show it"];
  await page.evaluate(() => addEventListener("click", (event) => {
    window.nmFollowed = !event.defaultPrevented;
    event.preventDefault();
  }, { once: true }));
  await link.tap();
  if (!(await page.evaluate(() => window.nmFollowed))) return ["preview: a second tap does not follow the link"];
  await page.locator("article h1").first().tap();
  if ((await shown()) !== 0) return ["preview: a tap beside it does not close it"];
  return [];
}

/** Print: solutions are open and stand at the end, and code that is folded on the page stays away. */
async function printProblems(page) {
  if ((await page.locator(".bd-article .cell.tag_solution").count()) === 0) return [];
  await page.emulateMedia({ media: "print" });
  const found = await page.evaluate(() => {
    const count = () => document.querySelectorAll(".bd-article .nm-solutions .tag_solution").length;
    const seen = (selector) => [...document.querySelectorAll(selector)].some((part) => part.checkVisibility());
    const all = document.querySelectorAll(".bd-article .tag_solution").length;
    window.nmBeforePrint();
    const problems = [];
    if (count() !== all) problems.push("print: a solution is not at the end");
    const closed = [...document.querySelectorAll(".tag_solution .cell_input")].filter((code) => !code.checkVisibility());
    if (closed.length > 0) problems.push("print: a solution is not open");
    if (seen(".cell:not(.tag_solution) > details.hide")) problems.push("print: folded code is printed");
    window.nmAfterPrint();
    if (count() !== 0) problems.push("print: the solutions do not come back");
    return problems;
  });
  await page.emulateMedia({ media: null });
  return found;
}

/** Choose one kind of claim: rows have to go, and to come back. */
async function filterProblems(page) {
  const choice = page.locator(".nm-overview select").first();
  if ((await choice.count()) === 0) return [];
  const rows = () => page.locator(".nm-overview tbody tr:visible").count();
  const all = await rows();
  await choice.focus();
  await page.keyboard.press("ArrowDown");
  const some = await rows();
  await page.keyboard.press("ArrowUp");
  if (some === 0 || some >= all) return [`filter: shows ${some} of ${all} rows`];
  return (await rows()) === all ? [] : ["filter: rows do not come back"];
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
  const context = await browser.newContext({ colorScheme: scheme, reducedMotion: "reduce", hasTouch: true });
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
  await page.addInitScript(watchFirstPicture);
  await page.setViewportSize({ width: WIDTHS.wide, height: 900 });
  await page.goto(pathToFileURL(resolve(folder, name)).href, { waitUntil: "load" });
  await settle(page);
  if (scheme === "light") for (const problem of await lateProblems(page)) problems.add(problem);
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
      await page.setViewportSize({ width: width - (size === "wide" ? SCROLLBAR : 0), height: 900 });
      const [check, what] = size === "wide" ? [clippedCode, "cut off"] : [stuckCode, "out of reach"];
      for (const line of await check(page)) problems.add(`code ${what} at ${width} px: ${line}`);
      for (const alt of size === "wide" ? [] : await shrunkenPictures(page)) {
        problems.add(`picture too small at ${width} px: ${alt}`);
      }
    }
    // Narrow with everything unfolded; wide as a page opens, and there what surrounds the text.
    if (size === "narrow") await unfold(page);
    if (scheme === "light") await page.waitForTimeout(TAB_STOPS_MS);
    const look = { around: size === "wide", colours: scheme === "dark" };
    for (const problem of await accessProblems(page, look)) problems.add(`${problem} (${width} px)`);
    if (scheme === "light") {
      for (const problem of await deckProblems(page)) problems.add(`${problem} (${width} px)`);
      const { problems: dead, times } = await figureProblems(page, size === "wide");
      for (const problem of dead) problems.add(`${problem} (${width} px)`);
      for (const [figure, ms, seen] of times) {
        console.error(`answer: ${name}: ${figure}: ${ms.toFixed(0)} ms, a change seen after ${seen} ms`);
      }
      if (size === "wide") {
        for (const check of [questionProblems, readingProblems, previewProblems, filterProblems, printProblems]) {
          for (const problem of await check(page)) problems.add(problem);
        }
        await page.evaluate(() => scrollTo(0, 0)); // the button that leads to the top goes again
      }
    }
  }
  await context.close();
  return [...problems].map((problem) => `${scheme}: ${problem}`);
}

/** Open a page without JavaScript: every figure that responds has to leave a picture that fits. */
async function inspectStill(browser, name) {
  if (!readFileSync(join(folder, name), "utf8").includes("nm-interactive")) return [];
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: WIDTHS.narrow, height: 812 } });
  const page = await context.newPage();
  await page.goto(pathToFileURL(resolve(folder, name)).href, { waitUntil: "load" });
  const bad = await page.evaluate((least) => {
    const figures = [...document.querySelectorAll(".nm-interactive")];
    return figures.flatMap((figure, index) => {
      const parts = [...figure.querySelectorAll(".nm-fallback :is(polyline, path, image, img)")];
      const drawn = figure.querySelector(".nm-fallback svg, .nm-fallback img")?.getBoundingClientRect();
      const seen = drawn && Math.min(drawn.width, drawn.height) >= least && drawn.right <= innerWidth + 1;
      // The axes alone are no picture.
      return seen && parts.length > 1 ? [] : [`interactive figure ${index + 1}: no picture without JavaScript`];
    });
  }, LEAST_PICTURE);
  await context.close();
  return bad;
}

/** Open one page in every way; return the problems found. */
async function inspectAll(browser, name) {
  const found = [];
  for (const scheme of SCHEMES) {
    try {
      found.push(...(await inspect(browser, name, scheme)));
    } catch (error) {
      found.push(`${scheme}: the page could not be looked at: ${error.message}`);
    }
  }
  return [...found, ...(await inspectStill(browser, name))];
}

// Each browser takes the next page from one list, and the largest page comes first, so that all end together.
const report = Object.fromEntries(pages.map((name) => [name, []]));
const size = (name) => statSync(join(folder, name)).size;
const waiting = [...pages].sort((one, two) => size(two) - size(one));
const worker = async () => {
  const browser = await chromium.launch({
    executablePath: options.chromium,
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  for (let name = waiting.shift(); name; name = waiting.shift()) report[name] = await inspectAll(browser, name);
  await browser.close();
};
await Promise.all(Array.from({ length: Math.min(Number(options.workers), pages.length) }, worker));
console.log(JSON.stringify(report, null, 1));
