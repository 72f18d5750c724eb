import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { buildReport, modelCard, modelLicence, perceptronLoading, renderHtml, renderMarkdown, renderTable } from "./index.ts";
import { syntheticRun } from "./testing/synthetic-run.ts";

const report = buildReport(syntheticRun());

test("the table has a line for each method and aligned columns", () => {
  const lines = renderTable(report).trimEnd().split("\n");
  assert.equal(lines[0], "Accuracy in % on the held-out domain, mean ± standard error over two seeds:");
  assert.match(lines[2]!, /^method +0° +25° +50° +75° +mean$/);
  assert.equal(lines.length, 3 + 9);
  assert.equal(new Set(lines.slice(2).map((line) => line.length)).size, 1);
  const recycling = report.table.find(({ method }) => method === "recycling")!;
  const row = lines.find((line) => line.startsWith("recycling "))!;
  assert.ok(row.endsWith(`${(100 * recycling.mean!).toFixed(1)} ± ${(100 * recycling.sem!).toFixed(1)}`), row);
});

test("in a terminal the table moves together, and goes on below where that is not enough", () => {
  const linesAt = (width: number) => renderTable(report, width).trimEnd().split("\n");
  assert.deepEqual(linesAt(200), renderTable(report).trimEnd().split("\n"));
  const wide = Math.max(
    ...linesAt(200)
      .slice(2)
      .map((line) => line.length),
  );
  assert.ok(wide > 80, `${wide} columns`);
  for (const width of [80, 50, 34]) {
    const rows = linesAt(width).slice(2);
    assert.ok(
      rows.every((line) => line.length <= width),
      rows.join("\n"),
    );
    const numbers = rows
      .filter((line) => line.startsWith("recycling "))
      .flatMap((line) => line.replaceAll(/ ?± ?/g, " ± ").match(/[\d.]+ ± [\d.]+/g));
    const row = linesAt(200).find((line) => line.startsWith("recycling "));
    assert.deepEqual(numbers, row?.match(/[\d.]+ ± [\d.]+/g), `${width} columns`);
    assert.equal(rows.filter((line) => line.startsWith("method ")).length > 1, width < 80);
  }
});

test("where items are held out it is said on how many of them, and how many images, results are counted", () => {
  const domains = [
    { domain: "0°", items: 3, images: 3 },
    { domain: "25°", items: 2, images: 5 },
  ];
  const run = syntheticRun();
  const held = buildReport({ ...run, task: { ...run.task, heldOutItems: { share: 0.125, domains } } });
  const text = "Only items that nothing was trained on count, 12.5 % of all: 3 in 0° and 2 in 25° (5 examples).";
  assert.deepEqual(renderTable(held).split("\n").slice(0, 2), [text, renderTable(report).split("\n")[0]]);
  assert.ok(renderMarkdown(held).includes(text));
  assert.ok(renderHtml(held).includes(`${text} Bold:`));
  const card = modelCard({ ...cardOptions, report: held, heldOut: "25°" });
  assert.ok(card.includes("has seen. Only items that nothing was trained on count, 12.5 % of all: 2 in 25° (5 examples)."), card);
});

test("one seed has no error", () => {
  assert.ok(!renderTable(buildReport(syntheticRun({ seeds: [10] }))).includes("±"));
});

test("the Markdown version has the same numbers, differences with verdicts, barriers and diversity", () => {
  const markdown = renderMarkdown(report);
  const recycling = report.table.find(({ method }) => method === "recycling")!;
  assert.ok(markdown.includes(`| **${(100 * recycling.mean!).toFixed(1)} ± ${(100 * recycling.sem!).toFixed(1)}** |`));
  assert.match(markdown, /\| recycling − soup \| [+−]\d+\.\d ± \d+\.\d \| \d \/ \d \/ \d \| too few seeds \|/);
  assert.match(markdown, /\| recycled \| validation \| /);
  for (const block of markdown.split("\n\n").filter((text) => text.startsWith("|"))) {
    assert.equal(new Set(block.split("\n").map((line) => line.split("|").length)).size, 1, block);
  }
});

const cardOptions = {
  report,
  seed: 10,
  heldOut: "50°",
  model: `sha256:${"a".repeat(64)}`,
  weights: `sha256:${"b".repeat(64)}`,
  loading: perceptronLoading({ features: 256, hidden: [256, 128], classes: 10 }),
};

test("a model card has Hugging Face's front matter", () => {
  const [, front] = modelCard(cardOptions).split("---\n");
  const meta = parse(front!) as Record<string, unknown>;
  assert.equal(meta["license"], "other");
  assert.equal(meta["license_name"], "cc-by-4.0-and-apache-2.0");
  assert.equal(meta["library_name"], "pytorch");
  // The hub takes these for repositories of its own.
  assert.ok(!("base_model" in meta) && !("base_model_relation" in meta) && !("datasets" in meta));
  const tags = meta["tags"] as string[];
  assert.ok(["merge", cardOptions.model, report.task.source].every((tag) => tags.includes(tag)));
  const cell = report.cells.find(({ seed, heldOut }) => seed === 10 && heldOut === "50°")!;
  const recycling = cell.averages.find(({ method }) => method === "recycling")!;
  const [entry] = meta["model-index"] as { results: { dataset: { type: string }; metrics: { value: number }[] }[] }[];
  assert.equal(entry?.results[0]?.dataset.type, "rotated-digits");
  assert.equal(entry?.results[0]?.metrics[0]?.value, recycling.accuracy);
});

test("a model card says what the run has found in the data, and then not that nothing has seen its domain", () => {
  assert.ok(modelCard(cardOptions).includes("which no choice and no training has seen"));
  const note = "the auxiliary web was trained on the data set of the target";
  const card = modelCard({ ...cardOptions, report: { ...report, notes: [note] } });
  assert.ok(card.includes(`What should be known of the data:\n\n- ${note}\n`), card);
  assert.ok(!card.includes("has seen"));
});

test("LICENSE goes beside an averaged model where its card links to it", () => {
  const data = { source: "scanned by a library in 1998", texts: [{ label: "the data", file: "LICENSE.txt", text: "You may.\n" }] };
  assert.equal(parse(modelCard(cardOptions).split("---\n")[1]!)["license_link"], "LICENSE");
  const text = modelLicence(report, data)!;
  for (const part of ["Apache-2.0 AND CC-BY-4.0, as follows", data.source, report.task.source, "LICENSE.txt of the data", "You may."])
    assert.ok(text.includes(part), part);
  const single = { ...report, licences: ["CC-BY-4.0"] };
  assert.equal(modelLicence(single, data), undefined);
  assert.ok(!modelCard({ ...cardOptions, report: single }).includes("LICENSE"));
});

test("a model card says what was averaged, how to load it and how to make it again", () => {
  const card = modelCard(cardOptions);
  const cell = report.cells.find(({ seed, heldOut }) => seed === 10 && heldOut === "50°")!;
  for (const { set, model } of cell.members) assert.equal(card.includes(`\`${model}\``), set === "recycled");
  assert.ok(card.includes('("fc2", nn.Linear(256, 128)), ("relu2", nn.ReLU()),\n    ("head", nn.Linear(128, 10)),'));
  assert.ok(card.includes(`ratatouille reproduce ${cardOptions.model}`));
  assert.ok(card.includes("This model is a merge"));
  for (const digest of [cardOptions.model, cardOptions.weights, report.task.source]) assert.ok(card.includes(`| \`${digest}\` |`));
  assert.throws(() => modelCard({ ...cardOptions, seed: 99 }), RangeError);
});
