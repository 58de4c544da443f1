// Figures that respond: each one is moved by keyboard and by mouse, and has to change.

const PRESSES = 4;
const LOOK_MS = 30; // between two looks at a figure
const STILL_MS = 150; // for so long a figure at rest does not change
const TRIAL_MS = 4_000; // for a network that runs beside the page: 1.5 s where nothing else runs
const ANSWER_MS = 50; // what a reader should wait at most for an answer
const PATIENCE = 20; // how much slower a machine may be that is busy with other things
const MOVES = 5;

/** Take a picture of a figure without its controls: that a slider itself moves is not enough. */
function picture(figure) {
  const mask = [figure.locator("input, select, button, .nm-value")];
  return figure.screenshot({ animations: "disabled", mask });
}

/** Return what a figure consists of besides its controls: text, drawing, and what is on its canvases. */
function content(figure) {
  return figure.evaluate((element) => {
    const copy = element.cloneNode(true);
    for (const part of copy.querySelectorAll("input, select, button, .nm-value, style, script")) part.remove();
    const canvases = [...element.querySelectorAll("canvas")].map((canvas) => canvas.toDataURL());
    return [copy.innerHTML, ...canvases].join();
  });
}

/** Wait until a figure stands still: a network may still run beside the page. Return its content. */
async function atRest(page, figure) {
  let last = await content(figure);
  let since = Date.now();
  for (const end = since + 2 * TRIAL_MS; Date.now() < Math.min(end, since + STILL_MS); ) {
    await page.waitForTimeout(LOOK_MS);
    const now = await content(figure);
    if (now !== last) since = Date.now();
    last = now;
  }
  return last;
}

/** Return how a figure looks at rest: what it consists of, and a picture. */
async function lookAt(page, figure) {
  return { content: await atRest(page, figure), picture: await picture(figure) };
}

/** Wait until a figure looks different from `before`; say whether it does. */
async function differs(page, figure, before) {
  for (const end = Date.now() + TRIAL_MS; Date.now() < end; ) {
    await page.waitForTimeout(LOOK_MS);
    // What changes has to be seen as well.
    if ((await content(figure)) !== before.content && !(await picture(figure)).equals(before.picture)) return true;
  }
  return false;
}

function shown(text) {
  return text.match(/\b(NaN|undefined|Infinity)\b/)?.[0];
}

/** Return the words that a screen reader gives a control. */
function labelOf(control) {
  return control.evaluate(
    (input) => input.labels?.[0]?.textContent || input.getAttribute("aria-label") ||
      document.getElementById(input.getAttribute("aria-labelledby"))?.textContent || "",
  );
}

/** Move a slider by arrow keys. */
async function byKeyboard(page, slider) {
  await slider.focus();
  const high = await slider.evaluate((input) => Number(input.value) - Number(input.min) > Number(input.max) - Number(input.value));
  for (let press = 0; press < PRESSES; press++) await page.keyboard.press(high ? "ArrowLeft" : "ArrowRight");
}

/** Drag the handle of a slider to a quarter of its track, or to three quarters. */
async function byMouse(page, slider) {
  await slider.scrollIntoViewIfNeeded();
  const box = await slider.boundingBox();
  const share = await slider.evaluate((input) => (Number(input.value) - Number(input.min)) / (Number(input.max) - Number(input.min)));
  const at = (part) => [box.x + 8 + part * (box.width - 16), box.y + box.height / 2];
  await page.mouse.move(...at(share));
  await page.mouse.down();
  await page.mouse.move(...at(share > 0.5 ? 0.2 : 0.8), { steps: 4 });
  await page.mouse.up();
}

/** Choose another option of a list by arrow keys. */
async function byChoice(page, list) {
  await list.focus();
  const last = await list.evaluate((select) => select.selectedIndex === select.options.length - 1);
  await page.keyboard.press(last ? "ArrowUp" : "ArrowDown");
}

/** Return how long, in ms, a figure takes to draw after a move: the median of a few moves. */
function answerTime(slider) {
  return slider.evaluate(async (input, moves) => {
    const times = [];
    const start = Number(input.value);
    for (let move = 0; move < moves; move++) {
      input.value = String(move % 2 ? start : start === Number(input.min) ? start + 1 : start - 1);
      await new Promise((done) => requestAnimationFrame(done));
      const before = performance.now();
      input.dispatchEvent(new Event("input", { bubbles: true }));
      // The figure draws in the next frame; this is called after it has drawn.
      await new Promise((done) => requestAnimationFrame(done));
      times.push(performance.now() - before);
    }
    return times.sort((a, b) => a - b)[Math.floor(moves / 2)];
  }, MOVES);
}

/** Bring a figure back to its start; return how it looks, which is `known` if it looks as before. */
async function start(page, figure, known = null) {
  const reset = figure.getByRole("button", { name: "Reset" });
  if (await reset.count()) await reset.evaluate((button) => button.click());
  for (const end = Date.now() + STILL_MS; known && Date.now() < end; ) {
    if ((await content(figure)) === known.content) return known;
    await page.waitForTimeout(LOOK_MS);
  }
  return lookAt(page, figure);
}

/** Say whether a control acts together with another one: after a choice in a list, or a button. */
async function actsWithAnother(page, figure, control, move) {
  for (const list of await figure.locator("select").all()) {
    await start(page, figure);
    await byChoice(page, list);
    const before = await lookAt(page, figure);
    await move(page, control);
    if (await differs(page, figure, before)) return true;
  }
  for (const button of await figure.locator("button:enabled").all()) {
    if ((await button.innerText()) === "Reset") continue;
    await start(page, figure);
    await move(page, control);
    const before = await lookAt(page, figure);
    await button.click();
    if (await differs(page, figure, before)) return true;
  }
  return false;
}

/**
 * Move every figure of a page; return the problems, and of each figure the slowest answer and the longest time
 * until a change was seen: a network beside the page takes a trial for that.
 *
 * With `whole`, every control is moved, by keyboard and by mouse; else the first slider, by keyboard.
 */
export async function figureProblems(page, whole) {
  const problems = [];
  const times = [];
  for (const [index, figure] of (await page.locator(".nm-interactive").all()).entries()) {
    const name = `interactive figure ${index + 1}`;
    const sliders = await figure.locator("input[type=range]").all();
    const lists = await figure.locator("select").all();
    if (sliders.length === 0) problems.push(`${name}: no slider`);
    const ways = [
      ...sliders.map((slider, k) => [`slider ${k + 1}`, slider, "keys do", byKeyboard]),
      ...sliders.map((slider, k) => [`slider ${k + 1}`, slider, "a mouse does", byMouse]),
      ...lists.map((list, k) => [`list ${k + 1}`, list, "keys do", byChoice]),
    ].slice(0, whole ? undefined : 1);
    let before = null;
    let seen = 0;
    for (const [what, control, by, move] of ways) {
      const which = `${name}, ${what}`;
      if (!(await labelOf(control)).trim()) problems.push(`${which}: no label`);
      before = await start(page, figure, before);
      const value = await control.inputValue();
      await move(page, control);
      const moved = Date.now();
      if ((await control.inputValue()) === value) problems.push(`${which}: ${by} not move it`);
      else if (await differs(page, figure, before)) seen = Math.max(seen, Date.now() - moved);
      else if (!(await actsWithAnother(page, figure, control, move))) {
        problems.push(`${which}: the figure does not respond`);
      }
      const wrong = shown(await figure.innerText());
      if (wrong) problems.push(`${which}: shows ${wrong}`);
    }
    await start(page, figure, before);
    if (!whole || sliders.length === 0) continue;
    let slowest = 0;
    for (const slider of sliders) slowest = Math.max(slowest, await answerTime(slider));
    times.push([name, slowest, seen]);
    if (slowest > PATIENCE * ANSWER_MS) problems.push(`${name}: answers in ${slowest.toFixed(0)} ms`);
    await start(page, figure, before);
  }
  return { problems, times };
}
