import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { arithmetics } from "#libs/recipes";
import { openBackend } from "../index.ts";
import { transpose } from "./matrix.ts";

test("opening a backend leaves the process's error handlers as they were", async () => {
  const count = () => [process.listenerCount("uncaughtException"), process.listenerCount("unhandledRejection")];
  const before = count();
  await openBackend("wasm");
  await openBackend("cpu");
  assert.deepEqual(count(), before);
});

test("opening a backend twice gives the same one", async () => {
  assert.equal(await openBackend("wasm"), await openBackend("wasm"));
  assert.equal((await openBackend("wasm")).arithmetic, arithmetics.wasm);
  assert.equal((await openBackend("cpu")).arithmetic, arithmetics.cpu);
});

const size = fc.integer({ min: 1, max: 19 });
for (const name of ["wasm", "cpu"] as const) {
  test(`products and transposes on ${name} are right for any shape, also after a factor has changed`, async () => {
    const backend = await openBackend(name);
    fc.assert(
      fc.property(size, size, size, (rows, inner, columns) => {
        using workspace = backend.workspace();
        const [a, b, out] = [workspace.matrix(rows, inner), workspace.matrix(inner, columns), workspace.matrix(rows, columns)];
        for (const shift of [0, 3]) {
          // Small whole numbers, so that every sum is exact.
          a.values.forEach((_, i) => {
            a.values[i] = ((i * 7 + shift) % 11) - 5;
          });
          b.values.forEach((_, i) => {
            b.values[i] = ((i * 5 + shift) % 13) - 6;
          });
          workspace.multiply(a, b, out);
          for (let r = 0; r < rows; r += 1) {
            for (let c = 0; c < columns; c += 1) {
              let sum = 0;
              for (let k = 0; k < inner; k += 1) sum += a.values[r * inner + k]! * b.values[k * columns + c]!;
              assert.equal(out.values[r * columns + c], sum);
            }
          }
        }
        const turned = workspace.matrix(columns, rows);
        transpose(out, turned);
        for (let r = 0; r < rows; r += 1) {
          for (let c = 0; c < columns; c += 1) assert.equal(turned.values[c * rows + r], out.values[r * columns + c]);
        }
      }),
    );
  });
}

test("a matrix keeps its numbers when the memory grows", async () => {
  const backend = await openBackend("wasm");
  using workspace = backend.workspace();
  const small = workspace.matrix(2, 3);
  small.values.set([1, 2, 3, 4, 5, 6]);
  const before = small.values.buffer;
  using large = backend.workspace();
  for (let i = 0; i < 8; i += 1) large.matrix(1000, 4000);
  assert.notEqual(small.values.buffer, before);
  assert.deepEqual([...small.values], [1, 2, 3, 4, 5, 6]);
});

test("products of shapes that do not fit are refused", async () => {
  using workspace = (await openBackend("wasm")).workspace();
  const [a, b] = [workspace.matrix(2, 3), workspace.matrix(2, 3)];
  assert.throws(() => workspace.multiply(a, b, a), /Cannot multiply 2x3 by 2x3 into 2x3/);
});
