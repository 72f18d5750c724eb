/** Merges in threads, whose modules and kernels lie in the package: the same bytes as on one thread. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mergeModels } from "ratatouille/merging";
import { saveFloat32 } from "ratatouille/safetensors";

const folder = await mkdtemp(join(tmpdir(), "threads-"));
try {
  const paths = [1, 2].map((seed) => join(folder, `${seed}.safetensors`));
  for (const [i, path] of paths.entries()) {
    const data = Float32Array.from({ length: 3_000_000 }, (_, j) => ((j * 7919 * (i + 1)) % 1009) - 500);
    await writeFile(path, saveFloat32(new Map([["weight", { shape: [data.length], data }]])));
  }
  const bytes: Buffer[] = [];
  for (const threads of [0, 2]) {
    const out = join(folder, `${threads}-threads.safetensors`);
    await mergeModels(paths, out, { method: "slerp", parameters: { t: 0.3 }, threads });
    bytes.push(await readFile(out));
  }
  assert.ok(bytes[0]!.equals(bytes[1]!));
} finally {
  await rm(folder, { recursive: true });
}
