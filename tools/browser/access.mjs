// What keeps a reader out who uses a keyboard, a screen reader, or needs contrast: axe-core looks.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const COUNTED = ["serious", "critical"];
// The drawing of a formula is hidden from a screen reader, which gets its text instead.
const DRAWINGS = "mjx-container svg";
const OF_COLOUR = ["color-contrast", "link-in-text-block"];
const OF_SIZE = ["scrollable-region-focusable", "target-size"];

/** Unfold everything that a page keeps folded, because axe-core passes over what is hidden. */
export function unfold(page) {
  return page.evaluate(() => {
    for (const details of document.querySelectorAll("article details")) details.open = true;
  });
}

/**
 * Return the serious and critical violations in what the page shows now.
 *
 * With `around`, the text of the page is looked at only for what depends on the size of the window, because
 * all of it is looked at unfolded, in a narrow window. With `colours`, only what depends on colours is looked at.
 */
export async function accessProblems(page, { around = false, colours = false } = {}) {
  await page.evaluate(AXE);
  // What fades in has its last colours only at the end: an unfolded cell would be seen half transparent.
  await page.evaluate(() => {
    for (const animation of document.getAnimations()) {
      if (Number.isFinite(animation.effect?.getComputedTiming().endTime)) animation.finish();
    }
  });
  const rules = (values) => ({ type: "rule", values });
  const looks = [[around ? [DRAWINGS, "article"] : [DRAWINGS], colours ? rules(OF_COLOUR) : STANDARDS]];
  if (around && !colours) looks.push([[DRAWINGS], rules(OF_SIZE)]);
  const violations = await page.evaluate(
    async ([all, counted]) => {
      const found = [];
      for (const [exclude, runOnly] of all) {
        const report = await window.axe.run({ exclude }, {
          resultTypes: ["violations"],
          runOnly,
          preload: false, // it would fetch the style sheets again, which a page on the disk may not
          // Off unless asked for; speech input needs the words on a button in its name.
          rules: Array.isArray(runOnly) ? { "label-content-name-mismatch": { enabled: true } } : {},
        });
        found.push(...report.violations.filter((violation) => counted.includes(violation.impact)));
      }
      return found;
    },
    [looks, COUNTED],
  );
  return violations.flatMap(({ id, impact, nodes }) =>
    nodes.map(({ target, html, any, all, none }) => {
      const why = [...any, ...all, ...none][0]?.message ?? "";
      return `${impact}: ${id}: ${target.join(" ")}: ${html.slice(0, 100)}: ${why}`;
    }),
  );
}
