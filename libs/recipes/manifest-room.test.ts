import assert from "node:assert/strict";
import { test } from "node:test";
import { checkImportRoom, MOST_MANIFEST_BYTES } from "./index.ts";

const shards = (count: number) => ({
  files: Array.from({ length: count }, (_, i) => ({ path: `birds-${String(i).padStart(5, "0")}.tar`, bytes: 128 << 20 })),
  licence: "CC-BY-4.0",
  source: "birds",
});

test("2,000 shards of 128 MiB can be imported, and 10,000 files cannot, which is said before they are sent", () => {
  assert.equal(MOST_MANIFEST_BYTES, 1_048_576);
  checkImportRoom(shards(2000));
  assert.throws(() => checkImportRoom(shards(10_000)), {
    name: "ManifestError",
    message: /^files: an import of 10000 files has a manifest of \d{7} bytes, and at most 1048576 are possible; pack the files/,
  });
});
