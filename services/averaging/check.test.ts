import assert from "node:assert/strict";
import { test } from "node:test";
import { buildModelManifest, type Digest, mediaTypes, parseRecipe } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { saveFloat32 } from "#libs/tensors";
import { type CheckFinding, type CheckReport, CheckSeverity, CheckVerdict } from "#proto/ratatouille/v1/averaging_pb.ts";
import { averageRecipe, startSystem, type TestSystem } from "./testing/system.ts";

function model(seed: number, { classes = 3, broken = false } = {}): Uint8Array {
  const tensor = (shape: number[], scale: number) => ({
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => scale * (1 + (i % 13)) + ((i * seed) % 11) / 50),
  });
  const tensors = new Map([
    ["fc1.weight", tensor([300, 256], 0.1)],
    ["head.weight", tensor([classes, 300], 0.2)],
  ]);
  if (broken) tensors.get("fc1.weight")!.data[70_000] = Number.NaN;
  return saveFloat32(tensors);
}

type Checked = { findings: CheckFinding[]; report: CheckReport; progress: number };

async function check(
  system: TestSystem,
  request: { models: string[]; base?: string; full?: boolean; exclude?: string[]; allowUnrelated?: boolean },
) {
  const findings: CheckFinding[] = [];
  let progress = 0;
  for await (const { event } of system.client.checkModels(request, { timeoutMs: 60_000 })) {
    if (event.case === "progress") progress++;
    if (event.case === "finding") findings.push(event.value);
    if (event.case === "report") return { findings, report: event.value, progress } satisfies Checked;
  }
  throw new Error("no report came");
}

const NAMES = new Map<CheckSeverity, string>([
  [CheckSeverity.ERROR, "ERROR"],
  [CheckSeverity.WARNING, "WARNING"],
  [CheckSeverity.NOTE, "NOTE"],
]);
const codes = ({ findings }: Checked) => findings.map(({ severity, code }) => `${NAMES.get(severity)} ${code}`);

test("models of the catalog are checked by their manifests and headers, with their lineage", async () => {
  await using system = await startSystem();
  const foundation = true;
  const a = await system.publishModel(model(1), { foundation });
  const b = await system.publishModel(model(2), { foundation, licence: "MIT" });
  const unrelated = await check(system, { models: [a, b] });
  assert.equal(unrelated.report.verdict, CheckVerdict.INCOMPATIBLE);
  assert.deepEqual(codes(unrelated), ["ERROR foundation"]);
  assert.deepEqual(unrelated.findings[0]!.models, [a, b]);
  const { report, findings } = await check(system, { models: [a, b], allowUnrelated: true });
  assert.equal(report.verdict, CheckVerdict.SUSPICIOUS);
  assert.deepEqual(findings.length, 1);
  assert.equal(report.licence, "Apache-2.0 AND MIT");
  assert.deepEqual(
    report.models.map(({ digest, numbers, tensors, architecture, foundation }) => [digest, numbers, tensors, architecture, foundation]),
    [
      [a, 77_700n, 2, "mlp", a],
      [b, 77_700n, 2, "mlp", b],
    ],
  );
});

test("an average of models of one foundation comes from it too", async () => {
  await using system = await startSystem();
  const a = await system.publishModel(model(1), { foundation: true });
  const { artifact } = await system.average(averageRecipe([a, a]));
  const checked = await check(system, { models: [a, artifact.digest], base: a });
  assert.deepEqual(codes(checked), []);
  assert.equal(checked.report.verdict, CheckVerdict.COMPATIBLE);
  assert.equal(checked.report.models[1]!.foundation, a);
});

test("models that come from imported ones: related by the same one, of different ones nobody knows", async () => {
  await using system = await startSystem();
  const [a, b] = [await publishImport(system, 1), await publishImport(system, 2)];
  const ofA = [await system.publishModel(model(3), { from: a }), await system.publishModel(model(4), { from: a })];
  const ofB = await system.publishModel(model(5), { from: b });
  const related = await check(system, { models: ofA });
  assert.deepEqual([codes(related), related.report.verdict], [[], CheckVerdict.COMPATIBLE]);
  assert.equal(related.report.models[0]!.foundation, a);
  const nobodyKnows = await check(system, { models: [...ofA, ofB] });
  assert.deepEqual([codes(nobodyKnows), nobodyKnows.report.verdict], [["WARNING lineage"], CheckVerdict.SUSPICIOUS]);
  assert.match(nobodyKnows.findings[0]!.sentence, /nothing says whether those have one foundation: sha256:/);
  // It is no reason to refuse: they may have been trained from one foundation elsewhere.
  assert.ok((await system.average(averageRecipe([...ofA, ofB]))).artifact.digest);
  assert.deepEqual(codes(await check(system, { models: [a, b] })), ["NOTE lineage"]);
  assert.deepEqual(codes(await check(system, { models: [a, ofA[0]!] })), []);
});

/** A model from outside, perhaps with what it is said to come from. */
async function publishImport(system: TestSystem, seed: number, base?: Digest): Promise<Digest> {
  const weights = await system.artifacts.upload(model(seed), { mediaType: mediaTypes.weights });
  const files = [{ path: "model.safetensors", digest: weights.digest, bytes: weights.size }];
  const inputs = base === undefined ? {} : { base };
  const recipe = parseRecipe({ kind: "import", inputs, parameters: { files, licence: "MIT", source: `hub ${seed}` } });
  const built = buildModelManifest({ recipe, licences: ["MIT"], weights, architecture: "mlp", parameterCount: 1 });
  return (await system.artifacts.publish(built)).digest as Digest;
}

test("models that come from imported ones of different declared foundations are told apart", async () => {
  await using system = await startSystem();
  const [a, b] = [await publishImport(system, 1), await publishImport(system, 2)];
  const [ofA, alsoOfA, ofB] = [await publishImport(system, 3, a), await publishImport(system, 4, a), await publishImport(system, 5, b)];
  const trained = await system.publishModel(model(6), { from: ofB });
  for (const models of [
    [ofA, alsoOfA],
    [a, ofA],
    [ofB, trained],
  ])
    assert.deepEqual(codes(await check(system, { models })), []);
  for (const models of [
    [ofA, ofB],
    [ofA, alsoOfA, trained],
    // Trained here of one that nobody has said anything of, which another one has for its foundation.
    [ofA, await system.publishModel(model(7), { from: a }), ofB],
  ]) {
    const { findings, report } = await check(system, { models });
    assert.deepEqual([findings.map(({ code }) => code), report.verdict], [["foundation"], CheckVerdict.INCOMPATIBLE]);
    assert.match(findings[0]!.sentence, /^The models come from different foundation models: sha256:/);
  }
  await assert.rejects(system.average(averageRecipe([ofA, ofB])), /different foundation models/);
});

test("every tensor in the way is sent, and excluded ones are not in the way", async () => {
  await using system = await startSystem();
  const models = [await system.publishModel(model(1)), await system.publishModel(model(2, { classes: 4 }), { architecture: "cnn" })];
  const checked = await check(system, { models, allowUnrelated: true });
  assert.deepEqual(codes(checked), ["ERROR shape", "ERROR architecture"]);
  assert.match(checked.findings[0]!.tensors[0]!, /^head\.weight: F32 \[3, 300\] in sha256:/);
  const without = await check(system, { models, allowUnrelated: true, exclude: ["head.weight"] });
  assert.deepEqual(codes(without), ["ERROR architecture"]);
});

test("a full check streams the weights, and equal checks at once are one", async () => {
  await using system = await startSystem();
  const base = await system.publishModel(model(0));
  const models = await Promise.all([model(1), model(2), model(3, { broken: true })].map((file) => system.publishModel(file)));
  const request = { models, base, full: true, allowUnrelated: true };
  const [checked, same] = await Promise.all([check(system, request), check(system, request)]);
  assert.deepEqual(same.report, checked.report);
  assert.ok(checked.progress > 0);
  assert.deepEqual(codes(checked).slice(0, 1), ["ERROR not-finite"]);
  assert.deepEqual(checked.findings[0]!.tensors, ["fc1.weight: 1 of 76800, the first at [273, 112]"]);
  const { report } = checked;
  assert.equal(report.cosines.length, 9);
  assert.deepEqual(
    report.layers.map(({ name, numbers }) => [name, numbers]),
    [
      ["fc1", 76_800n],
      ["head", 900n],
    ],
  );
  assert.ok(report.models.every(({ norm, distance }) => norm > distance && distance > 0));
});

test("what is no model is said for every field", async () => {
  await using system = await startSystem();
  const unknown: Digest = `sha256:${"0".repeat(64)}`;
  const models = [system.dataset, "nothing", unknown];
  await assert.rejects(check(system, { models, base: system.dataset }), (error) => {
    assert.ok(isRpcError(error, Code.INVALID_ARGUMENT, "CHECK_INVALID"), String(error));
    for (const expected of ["models[0] is a dataset", "models[1] is no digest", "models[2] is not in the catalog", "base is a dataset"]) {
      assert.ok(error.message.includes(expected), `${expected} in ${error.message}`);
    }
    return true;
  });
  await assert.rejects(check(system, { models: [] }), (error) => isRpcError(error, Code.INVALID_ARGUMENT, "CHECK_INVALID"));
});
