import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type NarrowDtype, narrow, widen } from "#libs/tensors";
import { type Measures, measure, noMeasures, scratchFor } from "./measure.ts";
import { blockElements, createMeasurer } from "./measurer.ts";

const SIZES = { F64: 8, F32: 4, F16: 2, BF16: 2 } as const;

function bytesOf(type: NarrowDtype, values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * SIZES[type]);
  narrow(type, Float64Array.from(values), bytes);
  return bytes;
}

function assertClose(actual: Measures, expected: Measures): void {
  const { gram, squares, ...exact } = actual;
  assert.deepEqual(exact, withoutSums(expected));
  const scale = Math.max(...expected.squares, ...expected.gram.map(Math.abs), 1e-300);
  for (const [i, value] of expected.gram.entries())
    assert.ok(Math.abs(gram[i]! - value) <= 1e-13 * scale, `gram[${i}]: ${gram[i]}, ${value}`);
  for (const [k, value] of expected.squares.entries()) assert.ok(Math.abs(squares[k]! - value) <= 1e-13 * scale);
}

function withoutSums({ gram: _, squares: __, ...exact }: Measures) {
  return exact;
}

test("the kernel measures what the plain function measures, of any types, with and without a base", () => {
  const number = fc.oneof(
    { weight: 20, arbitrary: fc.double({ min: -4, max: 4, noNaN: true }) },
    { weight: 1, arbitrary: fc.constantFrom(0, -0) },
  );
  const model = (count: number) =>
    fc.tuple(fc.constantFrom<NarrowDtype>("F64", "F32", "F16", "BF16"), fc.array(number, { minLength: count, maxLength: count }));
  const special = fc.option(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY)), {
    nil: undefined,
    freq: 5,
  });
  const input = fc
    .integer({ min: 1, max: 40 })
    .chain((count) => fc.tuple(fc.array(model(count), { minLength: 2, maxLength: 5 }), fc.boolean(), special));
  fc.assert(
    fc.property(input, ([sources, hasBase, broken]) => {
      const rows = sources.map(([type, values]): readonly [NarrowDtype, number[]] => [type, [...values]]);
      if (broken !== undefined) {
        const [source, index, value] = broken;
        const row = rows[source % rows.length]![1];
        row[index % row.length] = value;
      }
      const models = hasBase ? rows.length - 1 : rows.length;
      const count = rows[0]![1].length;
      const measurer = createMeasurer(models, hasBase);
      const actual = noMeasures(models);
      const wide = rows.map(([type, values], k) => {
        const bytes = bytesOf(type, values);
        measurer.room(k, bytes.length).set(bytes);
        const out = new Float64Array(count);
        widen(type, bytes, out);
        return out;
      });
      measurer.add(
        actual,
        rows.map(([type]) => type),
        count,
        7,
      );
      const expected = noMeasures(models);
      measure(expected, wide.slice(0, models), hasBase ? wide[models] : undefined, 7, scratchFor(models, count));
      assertClose(actual, expected);
    }),
    { numRuns: 150 },
  );
});

test("equal models are equal without a rounding error", () => {
  const values = Array.from({ length: 999 }, (_, i) => Math.sqrt(i) / 7);
  const measurer = createMeasurer(3, false);
  const measures = noMeasures(3);
  for (const k of [0, 1, 2]) {
    const bytes = bytesOf("F32", k === 1 ? values.map((x) => x * 1.01) : values);
    measurer.room(k, bytes.length).set(bytes);
  }
  measurer.add(measures, ["F32", "F32", "F32"], 999, 0);
  const at = (a: number, b: number) => measures.gram[a * 3 + b]!;
  assert.equal(at(0, 0) + at(2, 2) - 2 * at(0, 2), 0);
  assert.ok(at(0, 0) + at(1, 1) - 2 * at(0, 1) > 0);
});

test("blocks of many models are small, so that memory is flat", () => {
  assert.equal(blockElements(2), 65_536);
  assert.equal(blockElements(8), 65_536);
  for (const sources of [2, 9, 33, 200, 1000])
    assert.ok(blockElements(sources) * sources * 16 <= 48 << 20 || blockElements(sources) === 1024);
});
