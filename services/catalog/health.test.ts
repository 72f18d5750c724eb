import assert from "node:assert/strict";
import { chmod, rename, rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { openLocalBus } from "#libs/bus";
import { createLogger } from "#libs/telemetry";
import { temporaryDirectory } from "#libs/testing";
import { createCatalog } from "./index.ts";

test("health tells of blobs that are gone or cannot be used, until they are back", async () => {
  await using directory = await temporaryDirectory("catalog-");
  await using bus = await openLocalBus({ path: ":memory:" });
  const log = createLogger({ service: "catalog", level: "silent" });
  await using catalog = await createCatalog({ directory: directory.path, bus, log });
  const [database, blobs] = ["database", "blobs"].map((name) => catalog.checks.find((check) => check.name === name)!);
  assert.deepEqual([database?.vital, blobs?.vital], [true, false]);
  const path = directory.join("blobs");
  const code = (expected: string) => (error: NodeJS.ErrnoException) => error.code === expected;
  await blobs!.check();

  await rename(path, directory.join("elsewhere"));
  await assert.rejects(blobs!.check(), code("ENOENT"));
  await writeFile(path, "no directory");
  await assert.rejects(blobs!.check(), code("ENOTDIR"));
  await database!.check();

  await rm(path);
  await rename(directory.join("elsewhere"), path);
  await blobs!.check();
  // Root may do everything.
  if (process.getuid?.() === 0) return;
  for (const mode of [0o500, 0o600]) {
    await chmod(path, mode);
    await assert.rejects(blobs!.check(), code("EACCES"));
  }
  await chmod(path, 0o700);
  await blobs!.check();
});
