import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { glob, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";

const root = resolve(import.meta.dirname, "../../proto");

test("stubs for Go can be made of every contract", async () => {
  const without: string[] = [];
  for await (const path of glob("**/*.proto", { cwd: root })) {
    if (!/^option go_package = "[^"]+";$/m.test(await readFile(join(root, path), "utf8"))) without.push(path);
  }
  assert.deepEqual(without, []);
});

// Whoever has googleapis-common-protos beside stubs of ours meets two files of one name: they have to say the same.
// The digests are of the files in googleapis-common-protos 1.76.0 (PyPI).
for (const [path, digest] of [
  ["google/rpc/error_details.proto", "5c18d42e6924f447622534b4b7cdb8b53c0606c8ce729b912ee5edf88d1c5520"],
  ["google/rpc/status.proto", "f5bfd262e6705c7ae73f32e0ad8ee20ce8c0a2578df8c4f76ebf76b572f295ed"],
] as const) {
  test(`${path} is googleapis' own`, async () => {
    const bytes = await readFile(join(root, path));
    assert.equal(createHash("sha256").update(bytes).digest("hex"), digest);
  });
}
