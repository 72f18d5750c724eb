import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";

const root = resolve(import.meta.dirname, "../..");

/** Where errors of gRPC come from: what a client of the contracts can see. */
const sources = [
  "libs/{rpc,http,artifacts}/**/*.ts",
  "services/{averaging,catalog,evaluation,finetune,gateway,recycling,sessions,web}/**/*.ts",
];
/** Codes of Node and names of settings have the form of reasons. */
const strangers = /^(ERR|HPE|RATATOUILLE)_/;
const codes =
  "invalidArgument|notFound|alreadyExists|failedPrecondition|aborted|unavailable|resourceExhausted|dataLoss|unimplemented|deadlineExceeded|unauthenticated|permissionDenied|internal|cancelled";
const patterns = [/"([A-Z]+(?:_[A-Z]+)+)"/g, /\breason: "([A-Z]+)"/g, new RegExp(`^\\s+([A-Z]+(?:_[A-Z]+)*): (?:${codes})\\b`, "gm")];

async function reasonsInCode(): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const path of glob(sources, { cwd: root, exclude: (name) => name === "testing" || name.endsWith(".test.ts") })) {
    const code = (await readFile(join(root, path), "utf8")).replace(/^\s*(\/\/|\/?\*).*$/gm, "");
    for (const pattern of patterns) for (const [, reason = ""] of code.matchAll(pattern)) if (!strangers.test(reason)) found.add(reason);
  }
  return found;
}

async function reasonsInDocs(): Promise<Set<string>> {
  const [, table = ""] = /\| reason \| code \|([\s\S]*?)\n\n/.exec(await readFile(join(root, "proto/README.md"), "utf8")) ?? [];
  return new Set(table.split("\n").flatMap((line) => Array.from(line.split(" | ")[0]!.matchAll(/`([A-Z_]+)`/g), ([, reason]) => reason!)));
}

test("proto/README.md has every reason that an error can have, and no other", async () => {
  const [code, docs] = [await reasonsInCode(), await reasonsInDocs()];
  assert.ok(code.size > 80);
  assert.deepEqual({ undocumented: [...code.difference(docs)], unused: [...docs.difference(code)] }, { undocumented: [], unused: [] });
});
