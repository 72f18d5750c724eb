/**
 * Pushes two models to a server, averages them there, and pulls the result: the same bytes as a merge on this machine.
 *     node average.ts 127.0.0.1:7437
 */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, connectTo, isRpcError } from "ratatouille";
import { mergeModels } from "ratatouille/merging";
import { loadFloat32, saveFloat32 } from "ratatouille/safetensors";

const [address = "127.0.0.1:7437"] = process.argv.slice(2);
using client = connectTo(address);
const folder = await mkdtemp(join(tmpdir(), "average-"));
try {
  const model = (seed: number) => {
    const data = Float32Array.from({ length: 10_000 }, (_, i) => seed + i / 1000);
    return saveFloat32(new Map([["layer.weight", { shape: [100, 100], data }]]));
  };
  const paths = ["a", "b"].map((name) => join(folder, `${name}.safetensors`));
  for (const [i, path] of paths.entries()) await writeFile(path, model(i + 1));

  // A path, or what is in memory.
  const a = await client.push(paths[0]!, { licence: "MIT", source: "an example" });
  const b = await client.push(model(2), { licence: "MIT", source: "an example" });
  const soup = await client.average([a.digest, b.digest]);
  assert.deepEqual(soup.inputs, [a.digest, b.digest]);

  await client.pull(soup.digest, join(folder, "soup"));
  await mergeModels(paths, join(folder, "local.safetensors"));
  const pulled = await readFile(join(folder, "soup/model.safetensors"));
  assert.ok(pulled.equals(await readFile(join(folder, "local.safetensors"))), "the server's average has other bytes than ours");

  // Two rows of a tensor, without the rest.
  const row = loadFloat32(pulled).get("layer.weight")!.data.subarray(300, 500);
  const select = [{ name: "layer.weight", slices: [{ begin: 3, end: 5 }] }];
  for await (const { shape, data } of client.tensors(soup.digest, { select })) {
    assert.deepEqual(shape, [2, 100]);
    assert.deepEqual(new Float32Array(data.buffer, data.byteOffset, 200), row);
  }

  const lineage = await Array.fromAsync(client.lineage(soup.digest));
  console.log(lineage.map(({ recipe, digest }) => `${recipe.kind} ${digest.slice(7, 19)}`).join(", "));
  const missing = await client.find("sha256:00000000").catch((error: unknown) => error);
  assert.ok(isRpcError(missing, Code.NOT_FOUND, "ARTIFACT_NOT_FOUND"));
} finally {
  await rm(folder, { recursive: true });
}
