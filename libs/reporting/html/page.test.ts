import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { buildReport, renderHtml } from "../index.ts";
import type { LineageNode, Measurements } from "../report.ts";
import { syntheticRun } from "../testing/synthetic-run.ts";
import { layOut } from "./lineage-chart.ts";
import { escapeText, html } from "./markup.ts";
import { extent, linear } from "./scale.ts";
import { styleSheet } from "./style.ts";
import { wrapLabel } from "./wrap.ts";

const page = (run: Measurements) => renderHtml(buildReport(run));

/** Every element that is opened is closed, in order. Throws where not. */
function checkNesting(text: string): void {
  const open: string[] = [];
  const empty = new Set(["meta", "link", "br"]);
  for (const [tag, slash, name, selfClosed] of text
    .replace(/<!doctype html>|<style>[^<]*<\/style>/g, "")
    .matchAll(/<(\/?)([a-zA-Z][a-zA-Z0-9]*)(?:\s[^<>]*?)?(\/?)>/g)
    .map((match) => [match[0], match[1], match[2]!, match[3]] as const)) {
    if (empty.has(name) || selfClosed === "/") continue;
    if (slash === "") open.push(name);
    else assert.equal(open.pop(), name, `${tag} closes something else`);
  }
  assert.deepEqual(open, []);
}

test("the page holds every part of the report", () => {
  const report = buildReport(syntheticRun({ fused: true }));
  const text = renderHtml(report);
  const headings = [...text.matchAll(/<h2[^>]*>([^<]*)<\/h2>/g)].map(([, heading]) => heading);
  assert.deepEqual(headings, [
    "Results",
    "Paired differences",
    "By held-out domain",
    "Members against their average",
    "On the way between two members",
    "Diversity and barriers",
    "Training",
    "Lineage",
    "What now",
    "Recipe",
    "Models",
    "Timings",
    "Memory and bytes",
  ]);
  for (const sentence of report.sentences) assert.ok(text.replaceAll("\u00a0", " ").includes(escapeText(sentence)), sentence);
  for (const cell of report.cells) {
    const model = cell.averages.find(({ method }) => method === "recycling")?.model;
    assert.ok(text.includes(`<code>${model}</code>`));
  }
  for (const licence of report.licences) assert.ok(text.includes(licence));
  checkNesting(text);
});

test("the run file, where models lie, when it was and what to do next are on the page", () => {
  const run = syntheticRun();
  const report = buildReport({ ...run, startedAt: "2026-11-28T22:59:00.000Z", finishedAt: "2026-11-28T23:05:09.500Z" });
  const text = renderHtml(report, { runFile: "name: digits # <mine>\n" });
  assert.ok(text.includes(">name: digits # &#60;mine&#62;</pre>"));
  assert.ok(text.includes("finished on 28 November 2026, 23:05 UTC"));
  assert.ok(text.includes("<code>models/seed-10/held-out-25</code>"));
  assert.ok(text.includes("put five or more into <code>seeds</code> and run <code>ratatouille recycle run.yaml</code>"));
  assert.ok(!renderHtml(report).includes("run.yaml"));
});

test("whatever is wider than a phone scrolls, has a name, and takes the focus", () => {
  const text = page(syntheticRun({ fused: true, failed: true }));
  const wide = [...text.matchAll(/<div class="scroll" role="group" aria-label="[^"]+" tabindex="0"><(table|svg)/g)];
  assert.equal(wide.length, [...text.matchAll(/<table/g)].length + [...text.matchAll(/<svg[^>]*aria-labelledby/g)].length);
});

/** Relative luminance and contrast: WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio. */
function contrast(a: readonly number[], b: readonly number[]): number {
  const luminance = (colour: readonly number[]) => {
    const [red, green, blue] = colour.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  };
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

test("text has a contrast of 4.5 or more in light, in the dark and on paper, marks of 3", () => {
  const [light, dark, print] = [...styleSheet.matchAll(/:root \{([^}]*)\}/g)].map(([, block]) => (name: string) => {
    const hex = new RegExp(`--${name}: #([0-9a-f]+)`).exec(block!)?.[1];
    if (hex === undefined) throw new Error(`no ${name}`);
    return hex.length === 3
      ? [...hex].map((digit) => Number.parseInt(digit + digit, 16))
      : hex.match(/../g)!.map((pair) => Number.parseInt(pair, 16));
  });
  for (const [theme, colour] of Object.entries({ light: light!, dark: dark!, print: print! })) {
    const ours = colour("paper").map((part, i) => 0.92 * part + 0.08 * colour("recycled")[i]!);
    for (const ground of [colour("paper"), colour("wash"), ours]) {
      for (const name of ["ink", "soft"]) assert.ok(contrast(colour(name), ground) >= 4.5, `${theme}: ${name}`);
    }
    for (const ground of [colour("paper"), ours]) assert.ok(contrast(colour("recycled"), ground) >= 4.5, `${theme}: recycled`);
    for (const name of ["soup", "fused", "other"]) assert.ok(contrast(colour(name), colour("paper")) >= 3, `${theme}: ${name}`);
  }
});

test("timings tell what this run made, what was there, and what nobody measured", () => {
  const run = syntheticRun();
  const timings = (changes: Partial<Measurements["timings"]>) => {
    const text = page({ ...run, timings: { ...run.timings, ...changes } });
    return text.slice(text.indexOf('id="timings-heading"'));
  };
  assert.match(timings({}), /Of 324 artifacts this run made 312; 12 were in the catalog already\. Computing/);
  assert.match(timings({ reused: 0 }), /this run made 312\. Computing/);
  assert.match(timings({ reused: 0, failed: 2 }), /this run made 312; 2 could not be made\. Computing/);
  assert.match(timings({}), /averaging<\/th><td>48<\/td><td>48<\/td><td>not measured</);
  assert.match(timings({}), /all<\/th><td>324<\/td><td>312<\/td><td>277\.6</);
});

test("the page asks nothing of the network and runs nothing", () => {
  const text = page(syntheticRun());
  assert.ok(!/<script|\son\w+=|@import|url\(|<img|<iframe/.test(text));
  assert.deepEqual(
    [...text.matchAll(/https?:\/\/[^\s'"&]*/g)].map(([url]) => url),
    ["http://www.w3.org/2000/svg"],
  );
  assert.match(text, /http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;/);
});

test("the probe is in every comparison, at the end of scales that it would stretch, and many models are folded away", () => {
  const text = page(syntheticRun({ seeds: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }));
  const part = (id: string) => text.slice(text.indexOf(`id="${id}-heading"`)).split("</section>")[0]!;
  assert.ok(part("results").includes(">linear probe<"));
  for (const id of ["domains", "differences"]) assert.ok(part(id).includes("linear probe<"));
  const run = syntheticRun();
  const far = page({
    ...run,
    cells: run.cells.map((cell) => ({
      ...cell,
      averages: cell.averages.map((entry) => (entry.method === "linear-probe" ? { ...entry, accuracy: 0.01 } : entry)),
    })),
  });
  assert.equal([...far.matchAll(/<path class="dot" d="M/g)].length, 4 + 1, "one in each panel, one among the differences");
  assert.match(part("models"), /<details class="long"><summary>\d+ averaged models<\/summary>/);
  assert.ok(!page(syntheticRun()).slice(text.indexOf('id="models-heading"')).includes("<details"));
});

test("every figure says what it shows, and ids are unique", () => {
  const text = page(syntheticRun({ fused: true }));
  const ids = [...text.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id!);
  assert.equal(new Set(ids).size, ids.length);
  const figures = [...text.matchAll(/<svg[^>]*aria-labelledby="(\S+) (\S+)"/g)];
  assert.equal(figures.length, 5);
  for (const [, title, description] of figures) {
    assert.match(text, new RegExp(`<title id="${title}">[^<]+</title><desc id="${description}">[^<]+</desc>`));
  }
  assert.equal([...text.matchAll(/<table/g)].length, [...text.matchAll(/<caption>[^<]/g)].length);
});

test("whatever people call things, it stays text", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", minLength: 1 }),
      fc.constantFrom("<script>x</script>", `"><b a='`, "</style>", "]]>", "&amp;"),
      (some, nasty) => {
        const name = `${nasty}${some}`;
        const run = syntheticRun({ name, heldOut: [name], seeds: [1], members: 2, failed: true });
        const named: Measurements = {
          ...run,
          runId: name,
          task: { ...run.task, name, source: name, backend: name },
          cells: run.cells.map((cell) => ({
            ...cell,
            members: cell.members.map((member) => ({ ...member, initialisation: name, model: name })),
            failed: cell.failed.map((failure) => ({ ...failure, error: name })),
            averages: cell.averages.map((average) => ({ ...average, model: name })),
          })),
          lineage: run.lineage.map((node) => ({ ...node, label: name, kind: name })),
          recipe: { name, [name]: [name] },
          licences: [name],
          timings: { ...run.timings, stages: [{ name, artifacts: 1, made: 1, computeSeconds: 1 }] },
        };
        const text = page(named);
        assert.equal(text.split("</style>").length, 2);
        assert.ok(!text.includes("&amp;"), "an ampersand is escaped too");
        assert.ok(!text.includes("<script") && !text.includes("<b a="));
        checkNesting(text);
      },
    ),
    { numRuns: 25 },
  );
});

const sizes = { seeds: [1, 2, 7], heldOut: [1, 2, 4], members: [1, 2, 11] };
for (const seeds of sizes.seeds) {
  for (const heldOut of sizes.heldOut) {
    for (const members of sizes.members) {
      test(`a run of ${seeds} seeds, ${heldOut} domains and ${members} members has a page without holes`, () => {
        const run = syntheticRun({
          seeds: Array.from({ length: seeds }, (_, i) => i),
          heldOut: ["0°", "25°", "50°", "75°"].slice(0, heldOut),
          members,
          failed: members > 3,
        });
        const text = page(run);
        assert.ok(!/NaN|Infinity|undefined|\[object/.test(text.replaceAll("loss is NaN", "")));
        checkNesting(text);
      });
    }
  }
}

test("a run in which nothing was measured still has a page", () => {
  const run = syntheticRun();
  for (const cells of [
    [],
    run.cells.map((cell) => ({ ...cell, members: [], averages: [], barriers: [], diversity: [], interpolations: [] })),
  ]) {
    const text = page({ ...run, cells, lineage: [] });
    assert.ok(!/NaN|Infinity|undefined/.test(text));
    checkNesting(text);
  }
});

test("templates escape strings and keep markup", () => {
  assert.equal(
    html`<p a="${'"'}">${"<&>"}${html`<b>${1.234}</b>`}${[html`x`, html`y`]}${undefined}</p>`.markup,
    '<p a="&#34;">&#60;&#38;&#62;<b>1.23</b>xy</p>',
  );
});

test("edges of the lineage point right, and no two nodes share a place", () => {
  const names = fc.integer({ min: 0, max: 25 });
  fc.assert(
    fc.property(fc.array(fc.array(names, { maxLength: 4 }), { minLength: 1, maxLength: 26 }), (inputs) => {
      const nodes: LineageNode[] = inputs.map((parents, i) => ({
        digest: String(i),
        kind: "fine-tune",
        label: String(i),
        inputs: [...new Set(parents.filter((parent) => parent < i).map(String))],
      }));
      const { placed, width, height } = layOut(nodes);
      const at = new Map(placed.map((entry) => [entry.node.digest, entry]));
      assert.equal(new Set(placed.map(({ x, y }) => `${x} ${y}`)).size, nodes.length);
      for (const { node, x, y } of placed) {
        assert.ok(x >= 0 && y >= 0 && x < width && y < height);
        for (const input of node.inputs) assert.ok(at.get(input)!.x < x);
      }
    }),
  );
});

test("scales map their ends, and have round ticks inside", () => {
  fc.assert(
    fc.property(fc.double({ min: -1000, max: 1000, noNaN: true }), fc.double({ min: 1e-3, max: 1000, noNaN: true }), (low, length) => {
      const scale = linear([low, low + length], [0, 100]);
      assert.ok(Math.abs(scale(low)) < 1e-6 && Math.abs(scale(low + length) - 100) < 1e-6);
      assert.ok(scale.ticks.length >= 2 && scale.ticks.length <= 8, String(scale.ticks));
      for (const tick of scale.ticks) assert.ok(scale(tick) > -1e-6 && scale(tick) < 100 + 1e-6);
    }),
  );
  assert.deepEqual(linear([0, 1], [0, 1], 4).ticks, [0, 0.25, 0.5, 0.75, 1]);
  assert.deepEqual(extent([]), [0, 1]);
  assert.deepEqual(extent([Number.NaN, 2, 4], { air: 0 }), [2, 4]);
});

test("labels break at a dot, at a space, or anywhere, and never take more than two lines", () => {
  assert.deepEqual(wrapLabel("recycled 3", 26), ["recycled 3"]);
  assert.deepEqual(wrapLabel("noise and occlusion · linear probe", 26), ["noise and occlusion", "linear probe"]);
  assert.deepEqual(wrapLabel("symbols for noise and occlusion", 26), ["symbols for noise and", "occlusion"]);
  assert.deepEqual(wrapLabel("x".repeat(60), 26), ["x".repeat(26), `${"x".repeat(25)}…`]);
  fc.assert(
    fc.property(fc.string({ maxLength: 80 }), (text) => {
      const lines = wrapLabel(text, 26);
      assert.ok(lines.length <= 2 && lines.every((line) => line.length <= 26));
    }),
  );
});
