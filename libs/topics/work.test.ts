import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { consumers, devices, memoryClassesMib, streams, workTopic, workTopicsFor } from "./index.ts";

const subject = (device: "cpu" | "gpu", backend: string, memoryMib: number) => workTopic({ device, backend, memoryMib }).subject;

test("a job waits where the smallest class of memory holds it", () => {
  assert.equal(subject("cpu", "wasm", 0), "ratatouille.v1.work.cpu.wasm.1g");
  assert.equal(subject("cpu", "wasm", 1024), "ratatouille.v1.work.cpu.wasm.1g");
  assert.equal(subject("cpu", "cpu", 1025), "ratatouille.v1.work.cpu.cpu.8g");
  assert.equal(subject("gpu", "tensorflow-gpu", 65_536), "ratatouille.v1.work.gpu.tensorflow-gpu.64g");
});

test("a job that no class holds is refused with what is possible", () => {
  for (const memoryMib of [65_537, -1, Number.NaN])
    assert.throws(() => subject("cpu", "wasm", memoryMib), new RangeError(`a job may need 0 to 65536 MiB of memory; got ${memoryMib}`));
});

test("a trainer takes a job if it has the device, the backend, and all the memory of the job's class", () => {
  const backends = ["wasm", "cpu", "tensorflow-gpu"];
  const device = fc.constantFrom(...devices);
  const memory = fc.integer({ min: 0, max: 70_000 });
  const job = fc.record({ device, backend: fc.constantFrom(...backends), memoryMib: fc.integer({ min: 0, max: 65_536 }) });
  const trainer = fc.record({ device, backends: fc.subarray(backends), memoryMib: memory });
  fc.assert(
    fc.property(job, trainer, (needs, has) => {
      const takes = workTopicsFor(has).some((topic) => topic.subject === workTopic(needs).subject);
      const classMib = memoryClassesMib.find((mib) => needs.memoryMib <= mib)!;
      assert.equal(takes, needs.device === has.device && has.backends.includes(needs.backend) && classMib <= has.memoryMib);
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
