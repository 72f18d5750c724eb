import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseStudyFile } from "#libs/runfile";
import { root } from "../e2e/cli.ts";

const EXAMPLES: [name: string, generator: string, network: string, auxiliaries: string[]][] = [
  ["emoji", "image-shards/1", "tf_efficientnet_lite0", ["emojione", "noto-v1"]],
  ["drawn", "image-shards/1", "resnet18", ["objects"]],
  ["rotated-mnist", "rotated-mnist/1", "mnist-cnn", []],
  ["colored-mnist", "colored-mnist/1", "mnist-cnn", []],
];

for (const [name, generator, network, auxiliaries] of EXAMPLES) {
  test(`examples/${name}.yaml is a run file whose pictures lie where npm run data puts them`, async () => {
    const path = join(root, "examples", `${name}.yaml`);
    const file = parseStudyFile(await readFile(path, "utf8"), { path });
    assert.equal(file.target.generator, generator);
    assert.ok(file.target.path.startsWith(join(root, "data")));
    assert.equal(file.network.name, network);
    assert.deepEqual(
      file.auxiliaries.map((auxiliary) => auxiliary.name),
      auxiliaries,
    );
  });
}
