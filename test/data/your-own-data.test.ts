import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { encodePng } from "#libs/image-sets";
import { initialise, networkOf } from "#libs/networks";
import { saveWeights } from "#libs/tensors";
import { type TemporaryDirectory, temporaryDirectory } from "#libs/testing";
import { writeFolder } from "../../libs/image-sets/testing/image-folder.ts";
import { torchSave } from "../../libs/torch-files/testing/torch-save.ts";
import { type CliResult, root, startCli } from "../e2e/cli.ts";

const page = await readFile(join(root, "docs/your-own-data.md"), "utf8");

/** The blocks of the page in a language, in order. */
function blocks(language: string): string[] {
  return [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, name, text = ""]) => (name === language ? [text] : []));
}

const SIDE = 28;
/** A bird of a class: a bar, at the top or at the left, on a ground that the domain says. */
function bird(domain: number, label: number, number: number): Uint8Array {
  const data = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => {
    const along = label === 0 ? Math.floor(i / SIDE) : i % SIDE;
    return along >= 4 && along < 10 ? 230 - number : 20 + 30 * domain + ((i * 7 + number * 13) % 20);
  });
  return encodePng({ width: SIDE, height: SIDE, channels: 1, data });
}

/** What the page begins with: a folder of pictures, a foundation, an auxiliary that is ready, and pictures to make another of. */
async function prepare(directory: TemporaryDirectory): Promise<void> {
  const pictures = (domains: readonly string[], ground: number) =>
    Object.fromEntries(
      domains.flatMap((domain, d) =>
        ["jay", "owl"].flatMap((label, c) =>
          Array.from({ length: 6 }, (_, i) => [`${domain}/${label}/${i}.png`, bird(d + ground, c, i + 10 * ground)] as const),
        ),
      ),
    );
  await writeFolder(directory.join("birds"), pictures(["garden", "photo", "sketch"], 0));
  await writeFolder(directory.join("cub"), pictures(["aviary"], 4));
  const weights = (classes: number) => initialise(networkOf("mnist-cnn", { classes }), classes);
  const ofFloats = [...weights(10)].flatMap(([name, tensor]) => (tensor.dtype === "F32" ? [[name, tensor] as const] : []));
  await writeFile(directory.join("resnet18.pth"), torchSave(new Map(ofFloats)));
  await writeFile(directory.join("inat.safetensors"), saveWeights(weights(26)));
}

/** The page's run file, so small that it ends in seconds: a network of 28 pixels, four steps, and one method. */
function small(text: string): string {
  const changes = [
    ["resnet18,", "mnist-cnn,"],
    ["members: 8, steps: 2000", "members: 2, steps: 4, batch: 4, learning-rate: 0.001"],
    ["backend: auto", "backend: auto\nmethods: [recycling]\ncurves: { barriers: 0, curves: 0 }"],
  ] as const;
  return changes.reduce((changed, [from, to]) => {
    assert.ok(changed.includes(from), from);
    return changed.replace(from, to);
  }, text);
}

test("the page about one's own pictures can be followed from its first line to its last", async () => {
  await using directory = await temporaryDirectory();
  await prepare(directory);
  const run = async (line: string): Promise<CliResult> => {
    const [program, ...args] = line.split(" ");
    assert.equal(program, "ratatouille");
    await using cli = startCli(args, { cwd: directory.path, env: { RATATOUILLE_DATA: directory.join("data") } });
    const result = await cli.ended;
    assert.equal(result.code, 0, `${line}\n${result.stdout}\n${result.stderr}`);
    return result;
  };
  const commands = blocks("sh").map((block) => block.trim());
  const [check, init, plan, recycle, lineage, ...others] = commands as [string, string, string, string, string, ...string[]];
  assert.deepEqual(others, []);

  assert.match((await run(check)).stdout, /36 images, .*3 domains, 2 classes/);
  const written = await run(init);
  assert.match(written.stdout, /network: mnist-cnn /);
  assert.match(written.stderr, /Written to birds\.yaml/);

  const [runFile] = blocks("yaml");
  await writeFile(directory.join("birds.yaml"), small(runFile!));
  const planned = await run(plan);
  assert.match(planned.stdout, /auxiliary fine-tuning +2 /);
  assert.match(planned.stdout, /fine-tuning: recycled +6 +4 +4 x 2 /);

  const done = await run(recycle);
  assert.match(done.stderr, /resnet18\.pth: the head is left out: classifier\.weight is for 10 classes, not for 2/);
  assert.match(done.stdout, /garden +photo +sketch +mean/);
  const report = JSON.parse(await readFile(directory.join("out/birds/report.json"), "utf8"));
  assert.deepEqual(
    report.cells[0].members.map(({ initialisation }: { initialisation: string }) => initialisation),
    ["foundation", "inat"],
  );
  assert.deepEqual([report.task.network, report.task.classNames], ["mnist-cnn", ["jay", "owl"]]);
  const near =
    /\d+ images of the target look nearly equal to images of the auxiliary cub: "\w+\/(jay|owl)\/\d\.png" to its "aviary\/\1\/\d\.png"/;
  assert.match(done.stderr, near);
  assert.match(report.sentences.at(-1), near);
  const card = await readFile(directory.join("out/birds/models/seed-0/held-out-garden/README.md"), "utf8");
  assert.match(card, /model = MnistCnn\(\)/);
  assert.match(
    card,
    /\n\nInput: an image, resized as a whole, whatever its proportions, to \d+ x \d+ pixels \(bilinear, antialiased\)\.\n\nOutput: 2 logits, of `jay`, `owl`\./,
  );
  assert.match((await run(lineage)).stdout, /average .*= birds\/seed-0\/held-out-garden\n/);
  // What stands beside the report is the run again, and all of it is there.
  const again = await run("ratatouille recycle out/birds/run.yaml --quiet --out again");
  assert.equal(again.code, 0);
  const second = JSON.parse(await readFile(directory.join("again/report.json"), "utf8"));
  assert.deepEqual([second.runId === report.runId, second.results], [true, report.results]);
});
