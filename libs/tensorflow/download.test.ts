import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { temporaryDirectory } from "#libs/testing";
import { download } from "./download.ts";
import { SetupError } from "./errors.ts";
import { headers } from "./packages.ts";

const onBytes = () => {};

test("a package is fetched once; one that is spoiled or cut short is fetched again", async () => {
  await using directory = await temporaryDirectory();
  const options = { folder: directory.path, env: process.env, onBytes };
  const path = await download(headers, options);
  const whole = await readFile(path);
  const { mtimeMs } = await stat(path);
  assert.equal(await download(headers, options), path);
  assert.equal((await stat(path)).mtimeMs, mtimeMs);
  const spoiled = Buffer.from(whole);
  spoiled[1000] = 255 - whole[1000]!;
  for (const wrong of [spoiled, whole.subarray(0, 5000)]) {
    await writeFile(path, wrong);
    assert.deepEqual(await readFile(await download(headers, options)), whole);
  }
});

test("what does not have the pinned digest is refused, and nothing of it stays", async () => {
  await using directory = await temporaryDirectory();
  const sha256 = "0".repeat(64);
  await assert.rejects(download({ ...headers, sha256 }, { folder: directory.path, env: process.env, onBytes }), (error: Error) => {
    assert.ok(error instanceof SetupError);
    assert.match(error.message, /node-api-headers 1\.9\.0 has a wrong checksum: expected sha256:0{64}, npm brought sha256:6cbfac49/);
    return true;
  });
  await assert.rejects(stat(directory.join(headers.file)), { code: "ENOENT" });
});

test("a machine without npm or pip is told what to install", async () => {
  await using directory = await temporaryDirectory();
  const options = { folder: directory.path, env: { PATH: directory.path }, onBytes };
  await assert.rejects(download(headers, options), { name: "SetupError", message: /no npm here; install Node\.js/ });
  await assert.rejects(download({ ...headers, client: "pip" }, options), {
    name: "SetupError",
    message: /no python3 with pip here; install it/,
  });
});

test("what a client says of a package that is not there is passed on", async () => {
  await using directory = await temporaryDirectory();
  const missing = { ...headers, version: "0.0.999" };
  const failed = download(missing, { folder: directory.path, env: process.env, onBytes });
  await assert.rejects(failed, { name: "SetupError", message: /npm could not download node-api-headers 0\.0\.999/ });
});
