/**
 * Contributes three models to a session. One contribution is cut in the middle and goes on where it was; the average is that of all three.
 *     node session.ts 127.0.0.1:7437
 */
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { connectTo } from "ratatouille";
import { loadFloat32, saveFloat32 } from "ratatouille/safetensors";

const [address = "127.0.0.1:7437"] = process.argv.slice(2);
using client = connectTo(address);

/** 8 MB, all numbers the same. */
const model = (value: number) => saveFloat32(new Map([["weight", { shape: [2_000_000], data: new Float32Array(2_000_000).fill(value) }]]));

const session = await client.openSession({ architecture: "mlp", licence: "MIT" });

// Whoever has id and secret may contribute, from anywhere.
const elsewhere = client.session({ id: session.id, secret: session.secret });
const cut = new AbortController();
const half = elsewhere.contribute("bob", model(2), {
  signal: cut.signal,
  async onProgress({ sentBytes, totalBytes }) {
    if (sentBytes < totalBytes / 2) return;
    // What is on its way when a connection is cut may be lost.
    while ((await session.state()).stagedBytes === 0) await setTimeout(10);
    cut.abort(new Error("the train went into a tunnel"));
  },
});
await assert.rejects(half, /tunnel/);

await session.contribute("ann", model(1));
assert.equal((await session.state()).committed, 1);
const { from } = await elsewhere.contribute("bob", model(2));
assert.ok(from > 0, "the contribution began anew");

await session.contribute("eve", model(6));
// The same again counts once.
assert.deepEqual(await session.contribute("eve", model(6)), { existed: true, from: model(6).length });

const average = await session.close({ snapshot: true });
const weights = loadFloat32(await client.download(average!.digest));
assert.ok(weights.get("weight")?.data.every((value) => value === 3));
console.log(`bob went on at byte ${from} of ${model(2).length}; the average of all three is ${average?.digest.slice(0, 19)}`);
