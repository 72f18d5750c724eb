import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseStudyFile, renderStudyFile, withPaces } from "../index.ts";

const found = (counts: readonly number[]) => ({ domains: counts.map((_, i) => `d${i}`), pictures: counts });
const parse = (text: string) =>
  parseStudyFile(`name: x\ntarget: { images: p }\nfoundation: { network: resnet18, weights: w }\n${text}`, { path: "/x.yaml" });
const paces = (text: string, counts: readonly number[]) => {
  const { probe, fineTuning } = withPaces(parse(text), found(counts));
  return [probe.validateEvery, fineTuning.validateEvery];
};

test("few images are looked at twenty times, many as often as a quarter of the training pays for", () => {
  // PACS: 1670 to 3929 images a domain. 8321 of them are trained on where the smallest is held out, a fifth for validation.
  const pacs = [1670, 2048, 2344, 3929];
  assert.deepEqual(paces("held-out: all\n", pacs), [70, 100]);
  // MNIST's 70,000 digits in six domains: 58,333 less the rounding; (58,333 / 5) / (0.25 * 3 * 5 * 64) = 48.6.
  const digits = [11_667, 11_667, 11_667, 11_667, 11_666, 11_666];
  assert.deepEqual(paces("held-out: all\nfine-tuning: { steps: 500, batch: 64 }\n", digits), [146, 49]);
  assert.deepEqual(paces("held-out: all\nfine-tuning: { steps: 20, batch: 1 }\n", digits), [20, 20]);
});

test("what the run file says stays, and what is written beside the report gives the same run", () => {
  const text = "held-out: [d1]\nprobe: { validate-every: 7 }\nfine-tuning: { steps: 90, validate-every: 3 }\n";
  assert.deepEqual(paces(text, [1e6, 1e6]), [7, 3]);
  const file = withPaces(parse("held-out: [d1]\n"), found([4000, 5000, 6000]));
  const again = parseStudyFile(renderStudyFile(file, { directory: "/" }), { path: "/run.yaml" });
  assert.deepEqual([again.probe, again.fineTuning], [file.probe, file.fineTuning]);
});

test("there is always one look, and looks cost at most a quarter wherever there is more than one", () => {
  const number = fc.integer({ min: 1, max: 10_000 });
  fc.assert(
    fc.property(number, fc.integer({ min: 1, max: 256 }), fc.array(number, { minLength: 2, maxLength: 6 }), (steps, batch, counts) => {
      const { fineTuning } = withPaces(parse(`held-out: all\nfine-tuning: { steps: ${steps}, batch: ${batch} }\n`), found(counts));
      const every = fineTuning.validateEvery;
      assert.ok(every >= 1 && every <= steps);
      const smallest = Math.min(...counts);
      const images = counts.reduce((sum, count) => sum + count, 0) - smallest;
      const looks = (0.2 * images) / (3 * batch * (counts.length - 1) * every);
      assert.ok(every === steps || looks <= 0.25 + 1e-9, `${looks}`);
    }),
  );
});
