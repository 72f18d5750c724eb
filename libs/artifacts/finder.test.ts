import assert from "node:assert/strict";
import { test } from "node:test";
import { type Recipe, recipeKey } from "#libs/recipes";
import { deferred, waitFor } from "#libs/testing";
import { catalogOf } from "./testing/catalog-of.ts";

const recipe = (seed: number): Recipe => ({
  kind: "dataset",
  inputs: {},
  parameters: { generator: "glyphs/1", classes: 2, images: 4, styles: ["plain"], rotation: 0, alphabetSeed: 1 },
  seed,
});

/** A catalog that has the artifact of every second recipe, and the calls that it got. */
function everySecond() {
  const calls: string[][] = [];
  const there = new Set(Array.from({ length: 300 }, (_, i) => recipeKey(recipe(2 * i))));
  const findArtifacts = ({ recipeKeys }: { recipeKeys: string[] }) => {
    calls.push(recipeKeys);
    return { artifacts: recipeKeys.filter((key) => there.has(key as never)).map((key) => ({ recipeKey: key, digest: `of ${key}` })) };
  };
  return { calls, findArtifacts };
}

test("recipes that are looked up at once travel in calls of 256 keys, each key once", async () => {
  const { calls, findArtifacts } = everySecond();
  await using catalog = await catalogOf({ findArtifacts });
  const found = await Promise.all(Array.from({ length: 600 }, (_, i) => catalog.artifacts.findByRecipe(recipe(i % 300))));
  for (const [i, artifact] of found.entries())
    assert.equal(artifact?.digest, i % 2 === 0 ? `of ${recipeKey(recipe(i % 300))}` : undefined, `recipe ${i}`);
  assert.equal(new Set(calls.flat()).size, 300);
  assert.ok(
    calls.every((keys) => keys.length >= 1 && keys.length <= 256 && new Set(keys).size === keys.length),
    `calls of ${calls.map((keys) => keys.length)}`,
  );
  assert.ok(calls.length <= 3, `${calls.length} calls`);
  assert.equal(await catalog.artifacts.findByRecipe(recipe(1)), undefined);
});

test("a caller that leaves stops waiting, and the others get their answer", async () => {
  const asked = deferred();
  const answer = deferred();
  await using catalog = await catalogOf({
    async findArtifacts({ recipeKeys }) {
      asked.resolve();
      await answer.promise;
      return { artifacts: recipeKeys.map((key) => ({ recipeKey: key, digest: "found" })) };
    },
  });
  const leaver = new AbortController();
  const left = catalog.artifacts.findByRecipe(recipe(1), { signal: leaver.signal });
  const patient = catalog.artifacts.findByRecipe(recipe(1), { signal: new AbortController().signal });
  const other = catalog.artifacts.findByRecipe(recipe(2));
  await asked.promise;
  leaver.abort(new Error("no time"));
  await assert.rejects(left, /no time/);
  answer.resolve();
  assert.equal((await patient)?.digest, "found");
  assert.equal((await other)?.digest, "found");
  await assert.rejects(catalog.artifacts.findByRecipe(recipe(1), { signal: leaver.signal }), /no time/);
});

test("a call that nobody waits for is cancelled, and one that nobody waits for any more is not made", async () => {
  let calls = 0;
  let cancelled = false;
  await using catalog = await catalogOf({
    async findArtifacts(_request, { signal }) {
      calls++;
      const gone = deferred();
      signal.addEventListener("abort", () => gone.resolve());
      await gone.promise;
      cancelled = true;
      return {};
    },
  });
  const stop = new AbortController();
  const asking = [1, 2].map((seed) => catalog.artifacts.findByRecipe(recipe(seed), { signal: stop.signal }));
  await waitFor(() => calls === 1, { what: "the call" });
  stop.abort(new Error("no time"));
  for (const found of asking) await assert.rejects(found, /no time/);
  await waitFor(() => cancelled, { what: "the cancellation" });

  const early = new AbortController();
  const never = catalog.artifacts.findByRecipe(recipe(3), { signal: early.signal });
  early.abort(new Error("at once"));
  await assert.rejects(never, /at once/);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(calls, 1);
});
