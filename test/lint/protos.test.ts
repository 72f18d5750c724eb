import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, glob, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";

import { temporaryDirectory } from "#libs/testing";

const root = resolve(import.meta.dirname, "../../proto");
const buf = resolve(root, "../node_modules/.bin/buf");

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

/** What buf says of contracts after a change of one file, against what clients rely on. */
async function broken(file: string, change: (text: string) => string): Promise<string> {
  await using directory = await temporaryDirectory();
  await cp(root, directory.path, { recursive: true, filter: (path) => !/proto.(gen|recipes)$/.test(path) });
  const path = directory.join(file);
  const text = await readFile(path, "utf8");
  const changed = change(text);
  assert.notEqual(changed, text, file);
  await writeFile(path, changed);
  return await new Promise((resolve) =>
    execFile(buf, ["breaking", "--against", "baseline.binpb"], { cwd: directory.path }, (_, stdout, stderr) => resolve(stdout + stderr)),
  );
}

const catalog = "ratatouille/v1/catalog.proto";
const BREAKING: readonly [string, (text: string) => string, RegExp][] = [
  [
    "a field that is gone",
    (text) => text.replace("  bool discard = 3;", ""),
    /field "3" with name "discard" on message "UnpinRequest" was deleted/,
  ],
  ["another name, which is that of JSON", (text) => text.replace("bool discard = 3", "bool forget = 3"), /"forget".*"discard"/],
  ["another type", (text) => text.replace("bool discard = 3", "string discard = 3"), /changed type from "bool" to "string"/],
  ["an RPC that is gone", (text) => text.replace(/ {2}rpc Unpin\([^}]*}\n/, ""), /RPC "Unpin"/],
];
for (const [title, change, message] of BREAKING) {
  test(`${title} breaks clients, and is found`, async () => {
    assert.match(await broken(catalog, change), message);
  });
}

test("a new field breaks nobody", async () => {
  assert.equal(await broken(catalog, (text) => text.replace("bool discard = 3;", "bool discard = 3;\n  string why = 4;")), "");
});
