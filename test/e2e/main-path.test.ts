import assert from "node:assert/strict";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { type Recipe, recipeKey } from "#libs/recipes";
import { fileSource, openSafetensors } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { type CliResult, root, runCli } from "./cli.ts";
import { succeedHere } from "./here.ts";
import { assertTinyRun, countOf, digestsOf, eventsOf, readReport } from "./outputs.ts";
import { tiny } from "./run-file.ts";

const directory = await temporaryDirectory();
const data = directory.join("data");
const out = directory.join("first");
let first: CliResult;

before(async () => {
  first = await runCli(["recycle", tiny, "--data", data, "--out", out]);
});
after(() => directory[Symbol.asyncDispose]());

test("a run in a pipe tells its progress in plain lines on stderr and its result on stdout", () => {
  assert.equal(first.code, 0, first.stderr);
  const lines = first.stderr.trimEnd().split("\n");
  assert.equal(lines[0], "starting");
  const jobs = /^tiny \(run-[0-9a-f]{16}\): (\d+) jobs$/.exec(lines[1] ?? "")?.[1];
  assert.ok(Number(jobs) > 50, lines[1]);
  assert.equal(lines.at(-1), `finished: ${jobs} of ${jobs} jobs done`);
  assert.ok(!`${first.stdout}${first.stderr}`.includes("\x1b"), "escape sequences in a pipe");
  assert.match(first.stdout, /^Accuracy in % on the held-out domain/);
  assert.match(first.stdout, /^recycling +\d+\.\d +\d+\.\d +\d+\.\d$/m);
  const size = String.raw`\d+(\.\d)? k?M?B`;
  assert.match(first.stdout, new RegExp(`^services( +${size}){5}$`, "m"));
  assert.match(first.stdout, new RegExp(`^trainer-1( +${size}){5}$`, "m"));
  assert.match(first.stdout, /One seed is too few to decide this/);
  assert.ok(first.stdout.endsWith(`\n${join(out, "report.html")}\n`));
});

test("on every runtime the models and accuracies are those that every version has made, byte for byte", () => assertTinyRun({ data, out }));

test("the report has every result of every method, in JSON and on a page that needs no network", async () => {
  const report = await readReport(out);
  const { methods } = parse(await readFile(join(root, tiny), "utf8")) as { methods: string[] };
  assert.deepEqual(
    report.results.map(({ method, heldOut, seed }) => `${method} ${heldOut} ${seed}`).sort(),
    methods.flatMap((method) => [`${method} 30° 1`, `${method} 60° 1`]).sort(),
  );
  for (const { accuracy } of report.results) assert.ok(accuracy > 0.05 && accuracy < 1, `${accuracy}`);
  const sets = ["fused", "recycled", "soup"];
  assert.deepEqual(report.analysis.diversity.map(({ set }) => set).sort(), sets);
  assert.deepEqual(
    report.analysis.barriers.map(({ set, domain }) => `${set} ${domain}`).sort(),
    sets.flatMap((set) => [`${set} held-out`, `${set} id-validation`]),
  );
  const page = await readFile(join(out, "report.html"), "utf8");
  assert.match(page, /^<!doctype html>/i);
  assert.match(page, /<h2[^>]*>Memory and bytes<\/h2>/);
  assert.doesNotMatch(page, /(src|href)="https?:/);
});

test("each averaged model is written with its card and its recipe, and the recipe's key is the catalog's", async () => {
  assert.deepEqual((await readdir(out)).sort(), ["models", "report.html", "report.json", "report.md", "run.yaml"]);
  const report = await readReport(out);
  for (const angle of ["30", "60"]) {
    const folder = join(out, "models", "seed-1", `held-out-${angle}`);
    assert.deepEqual((await readdir(folder)).sort(), ["README.md", "model.safetensors", "recipe.json"]);
    await using source = await fileSource(join(folder, "model.safetensors"));
    const { header, names } = await openSafetensors(source);
    assert.deepEqual([...names].sort(), ["fc1.bias", "fc1.weight", "fc2.bias", "fc2.weight", "head.bias", "head.weight"]);
    assert.deepEqual([...(header.tensors.get("fc1.weight")?.shape ?? [])], [24, 256]);

    const card = await readFile(join(folder, "README.md"), "utf8");
    const front = parse(card.split("---\n")[1] ?? "") as Record<string, unknown>;
    assert.equal(front["license"], "cc-by-4.0");
    assert.ok((front["tags"] as string[]).includes("merge"));
    assert.ok((front["tags"] as string[]).includes(report.task.source));
    const members = report.cells.find(({ heldOut }) => heldOut === `${angle}°`)?.members.filter(({ set }) => set === "recycled") ?? [];
    assert.equal(members.length, 3);
    for (const { model } of members) assert.ok(card.includes(`\`${model}\``));

    const recipe = JSON.parse(await readFile(join(folder, "recipe.json"), "utf8")) as Recipe;
    const shown = JSON.parse(await succeedHere(["models", "show", `tiny/seed-1/held-out-${angle}`, "--data", data, "--json"]));
    assert.equal(recipeKey(recipe), shown.recipeKey);
    const cell = report.cells.find(({ heldOut }) => heldOut === `${angle}°`);
    assert.equal(cell?.averages.find(({ method }) => method === "recycling")?.model, shown.digest);
    assert.ok(card.includes(shown.digest));
  }
});

test("a second run is answered from the catalog: no job, the same digests, one JSON event a line", async () => {
  const again = directory.join("again");
  const stdout = await succeedHere(["recycle", tiny, "--data", data, "--out", again, "--json", "--trainers", "1"]);
  const events = eventsOf(stdout);
  assert.deepEqual([...new Set(events.map(({ event }) => event))], ["starting", "progress", "report"]);
  const progress = events.findLast(({ event }) => event === "progress");
  assert.ok(countOf(progress, "total") > 50);
  assert.equal(countOf(progress, "cached"), countOf(progress, "total"));
  const [report, before] = await Promise.all([readReport(again), readReport(out)]);
  assert.deepEqual(digestsOf(report), digestsOf(before));
  const last = events.at(-1);
  assert.deepEqual([last?.event, last?.out, last?.results, last?.processes], ["report", again, report.results, report.timings.processes]);
});

test("--quiet says nothing but the result; without --out the report is in out/<name> of the working directory", async () => {
  const cwd = directory.join("elsewhere");
  await mkdir(cwd);
  const { code, stdout, stderr } = await runCli(["recycle", join(root, tiny), "--data", data, "--quiet", "--trainers", "1"], { cwd });
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^Accuracy in %/);
  assert.equal((await readReport(join(cwd, "out", "tiny"))).name, "tiny");
});
