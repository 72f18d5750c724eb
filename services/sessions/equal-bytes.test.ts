import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { planMerge, runMerge } from "#libs/merging";
import { openModel } from "#libs/models";
import {
  type BuiltManifest,
  buildModelManifest,
  buildSourceManifest,
  type Digest,
  mediaTypes,
  type Recipe,
  readManifest,
  recipeKey,
} from "#libs/recipes";
import { Code } from "#libs/rpc";
import { writeSafetensors } from "#libs/tensors";
import { waitFor } from "#libs/testing";
import { contribute, sha256, withdraw } from "./testing/client.ts";
import { floats, model } from "./testing/models.ts";
import { rejection, type SessionSystem, startSessions } from "./testing/system.ts";

type Method = "uniform" | "weighted" | "linear";
type DtypeOfAverage = "F32" | "F16" | "BF16";
type Member = { readonly seed: number; readonly weight: number; readonly stays: boolean };

let merges = 0;

/** The sha-256 of the average of models that is made at once, by the engine, from files. */
async function averageAtOnce(
  { directory }: SessionSystem,
  members: readonly Member[],
  method: Method,
  dtype: DtypeOfAverage,
): Promise<string> {
  const models = [];
  for (const { seed } of members) {
    const path = directory.join(`model-${seed}.safetensors`);
    await writeFile(path, model(seed));
    models.push(await openModel(path));
  }
  const weights = members.map(({ weight }) => ({ weight: method === "uniform" ? 1 : weight }));
  const plan = planMerge({
    method: "linear",
    models,
    digests: members.map(({ seed }) => sha256(model(seed))),
    parametersOf: () => ({ merge: { normalize: method !== "weighted" }, models: weights }),
    dtype,
    single: "average.safetensors",
  });
  const signal = new AbortController().signal;
  const { files } = await runMerge(plan, { directory: directory.join(`merge-${merges++}`), signal, fsync: false });
  return files[0]!.digest;
}

const member = fc.record({
  seed: fc.integer({ min: 1, max: 40 }),
  weight: fc.oneof(
    fc.constantFrom(0, 1, 3, 0.1),
    fc.double({ min: -8, max: 8, noNaN: true }).filter((x) => Math.abs(x) > 1e-9),
  ),
  stays: fc.boolean(),
});
const anyMembers = fc
  .uniqueArray(member, { minLength: 1, maxLength: 6, selector: ({ seed }) => seed })
  .filter((all) => all.some(({ stays }) => stays));

// What F16 does not hold has a test of its own.
const kinds: readonly (readonly [Method, DtypeOfAverage])[] = [
  ["uniform", "F32"],
  ["uniform", "F16"],
  ["uniform", "BF16"],
  ["weighted", "F32"],
  ["weighted", "BF16"],
  ["linear", "F32"],
  ["linear", "BF16"],
];

test("whatever came and went, in whatever order, folded whenever: the bytes are those of the average at once", async () => {
  await using system = await startSessions({ foldAfter: 2 });
  const property = ([method, dtype]: (typeof kinds)[number]) =>
    fc.asyncProperty(anyMembers, fc.infiniteStream(fc.nat()), async (all, random) => {
      const staying = all.filter(({ stays }) => stays);
      // What nothing divides has a test of its own.
      const weights = staying.reduce((sum, { weight }) => sum + weight, 0);
      fc.pre(method !== "linear" || Math.abs(weights) > 1e-3);
      const place = await system.open({ method, dtype });
      const todo = all.map((one) => ({ ...one, step: 0 }));
      for (let left = todo; left.length > 0; left = todo.filter(({ step, stays }) => step < (stays ? 1 : 2))) {
        const one = left[(random.next().value as number) % left.length]!;
        const header = method === "uniform" ? {} : { weight: one.weight };
        if (one.step === 0) await contribute(system.client, place, `c${one.seed}`, model(one.seed), { header, chunkBytes: 700 });
        else await withdraw(system.client, place, `c${one.seed}`, model(one.seed));
        one.step += 1;
      }
      const outcome = await system.snapshot(place.sessionId).catch((error: { reason: string }) => error.reason);
      if (typeof outcome === "string") assert.equal(outcome, "AVERAGE_NOT_FINITE");
      else assert.equal(sha256(await system.weights(outcome)), await averageAtOnce(system, staying, method, dtype));
      await system.client.closeSession(place);
    });
  for (const kind of kinds) await fc.assert(property(kind), { numRuns: 2 });
});

test("contributions that are models of the catalog are its inputs: it is the recipe of their average at once", async () => {
  await using system = await startSessions();
  const artifacts = [await publish(system, model(1)), await publish(system, model(2))];
  const place = await system.open({ method: "linear" });
  for (const [k, artifact] of artifacts.entries()) {
    await contribute(system.client, place, `c${k}`, model(k + 1), { header: { artifact, weight: k + 1 } });
  }
  const artifact = await system.snapshot(place.sessionId);
  const sorted = artifacts.map((digest, k) => ({ digest, weight: k + 1 })).sort((a, b) => (a.digest < b.digest ? -1 : 1));
  const recipe: Recipe = {
    kind: "average",
    inputs: { models: sorted.map(({ digest }) => digest) },
    parameters: { method: "linear", weights: sorted.map(({ weight }) => weight), dtype: "F32" },
    arithmetic: "exact-mean/1",
  };
  assert.equal(artifact.recipeKey, recipeKey(recipe));
  assert.deepEqual(artifact.inputs, recipe.inputs["models"]);
});

test("licences are those of all contributions: one of which nobody says it leaves that of the average unknown", async () => {
  await using system = await startSessions();
  const artifact = await publish(system, model(1));
  const licencesOf = async (licence: string, others: number) => {
    const place = await system.open({ licence });
    await contribute(system.client, place, "catalog", model(1), { header: { artifact } });
    for (let k = 0; k < others; k++) await contribute(system.client, place, `c${k}`, model(k + 2));
    return readManifest((await system.snapshot(place.sessionId)).manifest).licences;
  };
  assert.deepEqual(await licencesOf("", 1), ["LicenseRef-unknown", "MIT"]);
  assert.deepEqual(await licencesOf("Apache-2.0", 2), ["Apache-2.0", "MIT"]);
  assert.deepEqual(await licencesOf("Apache-2.0", 0), ["MIT"]);
});

test("a contribution that is not the model it names is refused", async () => {
  await using system = await startSessions();
  const artifact = await publish(system, model(1));
  const place = await system.open();
  const error = await rejection(contribute(system.client, place, "a", model(2), { header: { artifact } }));
  assert.deepEqual(
    [error.code, error.reason, error.violations[0]?.field],
    [Code.INVALID_ARGUMENT, "CONTRIBUTION_MISMATCH", "header.artifact"],
  );
  assert.match(error.message, new RegExp(`has the weights ${sha256(model(1))}; the contribution is ${sha256(model(2))}`));
});

test("a number of the average that is too large for its type is said, and nothing is published", async () => {
  await using system = await startSessions({ foldAfter: 2 });
  const place = await system.open({ method: "weighted" });
  const largest = writeSafetensors([floats("w", "F32", [3e38])]);
  for (const name of ["a", "b"]) await contribute(system.client, place, name, largest);
  await waitFor(async () => (await system.state(place.sessionId)).folded === 2, { what: "the fold" });
  const error = await rejection(system.snapshot(place.sessionId));
  assert.deepEqual([error.code, error.reason], [Code.FAILED_PRECONDITION, "AVERAGE_NOT_FINITE"], error.message);
  assert.equal((await system.leftovers()).length, 1);
});

/** Publishes weights as a model with a recipe of its own. */
async function publish({ artifacts }: SessionSystem, bytes: Uint8Array): Promise<Digest> {
  const weights = await artifacts.upload(bytes, { mediaType: mediaTypes.weights });
  const file = await artifacts.upload(new TextEncoder().encode(weights.digest), { mediaType: mediaTypes.sourceLayer });
  const parameters = { files: [{ path: "source", digest: file.digest, bytes: file.size }], licence: "MIT", source: weights.digest };
  const source = buildSourceManifest({ recipe: { kind: "import", inputs: {}, parameters }, licences: ["MIT"], files: [file] });
  const imported = await artifacts.publish(source);
  const recipe: Recipe = {
    kind: "pretrain",
    inputs: { datasets: [imported.digest as Digest] },
    parameters: {
      architecture: "mlp",
      hidden: [4],
      classes: 2,
      steps: 1,
      batch: 1,
      learningRate: 0.1,
      weightDecay: 0,
      dropout: 0,
      train: "all",
      keep: "last",
      validationFraction: 0.2,
      validateEvery: 0,
    },
    seed: 1,
    arithmetic: "a test",
  };
  const built: BuiltManifest = buildModelManifest({ recipe, licences: ["MIT"], weights, architecture: "mlp", parameterCount: 190 });
  return (await artifacts.publish(built)).digest as Digest;
}
