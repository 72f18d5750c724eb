import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { digestOf } from "#libs/recipes";
import { saveFloat32 } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { runCli, startCli } from "../e2e/cli.ts";
import { runHere } from "../e2e/here.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());
const env = { XDG_CACHE_HOME: directory.join("cache") };
/** UPDATE_KILLS=100 for more. */
const KILLS = Number(process.env["UPDATE_KILLS"] ?? 6);
const FILES = ["out.safetensors", "out.safetensors.sums", "out.recipe.json"] as const;

const average = (...args: string[]) => runHere(["average", ...args], { cwd: directory.path, env });
const everything = () => Promise.all(FILES.map(async (name) => `${name} ${digestOf(await readFile(directory.join(name)))}`));

async function writeModel(name: string, seed: number): Promise<void> {
  const data = Float32Array.from({ length: 1 << 18 }, (_, i) => ((i * 7919 + seed * 104729) % 65521) / 65521 - 0.5);
  await writeFile(directory.join(name), saveFloat32(new Map([["w", { shape: [1 << 18], data }]])));
}

test("killed at any time, a command that adds or removes a member leaves what the same command finishes", async () => {
  for (const [i, name] of ["a", "b", "c"].entries()) await writeModel(`${name}.safetensors`, i + 1);
  assert.equal((await average("a.safetensors", "b.safetensors", "-o", "out.safetensors", "--updatable")).code, 0);
  const without = await everything();
  let began = performance.now();
  assert.equal((await runCli(["average", "--add", "c.safetensors", "--to", "out.safetensors"], { cwd: directory.path, env })).code, 0);
  // How long a command takes: the first one, which finds nothing in memory, longer than those after it.
  let ms = performance.now() - began;
  const added = await everything();
  assert.equal((await average("--remove", "c.safetensors", "--to", "out.safetensors")).code, 0);
  assert.deepEqual(await everything(), without);

  let [state, other] = [without, added];
  let interrupted = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const command = ["average", state === without ? "--add" : "--remove", "c.safetensors", "--to", "out.safetensors"];
    began = performance.now();
    await using process_ = startCli(command, { cwd: directory.path, env });
    // Spread over the whole command, most of them where it writes.
    await Promise.race([delay(ms * (0.3 + (0.7 * kill) / KILLS)), process_.ended]);
    process_.signal("SIGKILL");
    if ((await process_.ended).code === "SIGKILL") interrupted++;
    else ms = performance.now() - began;
    const { code, stderr } = await runHere(command, { cwd: directory.path, env });
    // It may have been finished already.
    if (code !== 0) assert.match(stderr, state === without ? /is in the average already/ : /is not in the average/);
    assert.deepEqual(await everything(), other, `kill ${kill}`);
    [state, other] = [other, state];
  }
  assert.ok(interrupted > 0);
  assert.deepEqual(
    (await readdir(directory.path)).filter((name) => name.startsWith(".")),
    [],
  );
});
