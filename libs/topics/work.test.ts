import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { consumers, devices, memoryClassesMib, streams, workTopic, workTopicsFor } from "./index.ts";

const subject = (device: "cpu" | "gpu", backend: string, memoryMib: number) => workTopic({ device, backend, memoryMib }).subject;

test("a job waits where the smallest class of memory holds it, and the largest has no end", () => {
  assert.equal(subject("cpu", "wasm", 0), "ratatouille.v1.work.cpu.wasm.1g");
  assert.equal(subject("cpu", "wasm", 1024), "ratatouille.v1.work.cpu.wasm.1g");
  assert.equal(subject("cpu", "cpu", 1025), "ratatouille.v1.work.cpu.cpu.8g");
  assert.equal(subject("gpu", "tfjs-node-gpu", 65_536), "ratatouille.v1.work.gpu.tfjs-node-gpu.64g");
  // 14 copies of a model of 10 GB.
  assert.equal(subject("cpu", "wasm", 140_000), "ratatouille.v1.work.cpu.wasm.over-64g");
});

test("a memory that is none is refused", () => {
  for (const memoryMib of [-1, Number.NaN])
    assert.throws(() => subject("cpu", "wasm", memoryMib), new RangeError(`a job may need 0 MiB of memory or more; got ${memoryMib}`));
});

test("a trainer is offered every job that it has the device, the engine and the memory for, and none of a class that is too large for it", () => {
  const backends = ["wasm", "cpu", "tfjs-node-gpu"];
  const device = fc.constantFrom(...devices);
  const memory = fc.integer({ min: 0, max: 200_000 });
  const job = fc.record({ device, backend: fc.constantFrom(...backends), memoryMib: fc.integer({ min: 1, max: 200_000 }) });
  const trainer = fc.record({ device, backends: fc.subarray(backends), memoryMib: memory });
  fc.assert(
    fc.property(job, trainer, (needs, has) => {
      const takes = workTopicsFor(has).some((topic) => topic.subject === workTopic(needs).subject);
      const computes = needs.device === has.device && has.backends.includes(needs.backend);
      const below = memoryClassesMib.filter((mib) => mib < needs.memoryMib).at(-1) ?? 0;
      assert.equal(takes, computes && below < has.memoryMib);
      if (computes && needs.memoryMib <= has.memoryMib) assert.ok(takes);
    }),
  );
});

test("every declared subject has one stream, and every declared consumer a stream for its subjects", () => {
  const prefixes = streams.flatMap(({ subjects }) => subjects).map((kept) => kept.replace(/>$/, ""));
  for (const { subjects } of consumers) {
    for (const each of subjects)
      assert.equal(prefixes.filter((prefix) => each === prefix || (prefix.endsWith(".") && each.startsWith(prefix))).length, 1);
  }
  assert.equal(new Set(prefixes).size, prefixes.length);
});
