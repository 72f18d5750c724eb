import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeIndex, encodePng, type ImageIndex, packImages } from "#libs/image-sets";
import { initialWeights } from "#libs/learning";
import { networkOf } from "#libs/networks";
import { encodePrediction, type Prediction } from "#libs/predictions";
import { arithmetics, buildModelManifest, buildSourceManifest, type Digest, type Json, mediaTypes, type Recipe } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { encodeSplit, type Split } from "#libs/splits";
import { type Dtype, saveFloat32, writeSafetensors } from "#libs/tensors";
import { JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { recipeOf, type System, startSystem } from "./system.ts";

type Tensors = { readonly [name: string]: readonly [Dtype, readonly number[], ArrayBufferView?] };

/** A file of tensors, zeros where nothing else is said. */
function fileOf(tensors: Tensors): Uint8Array {
  return writeSafetensors(
    Object.entries(tensors).map(([name, [dtype, shape, data]]) => {
      const bytes = shape.reduce((a, b) => a * b, 1) * (dtype === "I64" ? 8 : dtype === "BF16" ? 2 : 4);
      return { name, dtype, shape, data: data ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(bytes) };
    }),
  );
}

async function uploaded(system: System, role: string, bytes: Uint8Array) {
  const { digest, size } = await system.artifacts.upload(bytes, { mediaType: mediaTypes.sourceLayer });
  return { role, digest, sizeBytes: BigInt(size) };
}

/** Runs a recipe as a trainer that has made these files. @returns the artifact, or the sentence with which they are refused */
async function outcome(system: System, recipe: Recipe, files: readonly (readonly [string, Uint8Array])[]): Promise<string> {
  const { id } = await system.submit(recipe);
  const attempt = await system.begin(id);
  const outputs = await Promise.all(files.map(([role, bytes]) => uploaded(system, role, bytes)));
  try {
    return (await system.jobs.completeAttempt({ jobId: id, attempt, outputs })).job!.artifact;
  } catch (error) {
    assert.ok(isRpcError(error, Code.INVALID_ARGUMENT, "OUTPUTS_INVALID"), String(error));
    assert.equal((await system.jobs.getJob({ id })).job?.error, error.message);
    return error.message;
  }
}

const isDigest = /^sha256:[0-9a-f]{64}$/;
let seeds = 0;

function training(
  dataset: Digest,
  parameters: { readonly [name: string]: Json },
  inputs: { readonly [role: string]: Digest } = {},
): Recipe {
  const all = {
    ...{ classes: 3, domains: ["a"], steps: 1, batch: 1, optimiser: { name: "adam", learningRate: 1e-3 } },
    transform: { training: "none/1", validation: "none/1" },
    ...parameters,
  };
  return { kind: "train", inputs: { dataset, ...inputs }, seed: ++seeds, arithmetic: arithmetics.training, parameters: all };
}

const mlp = { name: "mlp", size: 4, options: { hidden: [2] } };
const right: Tensors = {
  "fc1.weight": ["F32", [2, 16]],
  "fc1.bias": ["F32", [2]],
  "head.weight": ["F32", [3, 2]],
  "head.bias": ["F32", [3]],
};

test("weights are the tensors of their network, and finite", async () => {
  await using system = await startSystem();
  const dataset = await system.publish(recipeOf(1));
  const train = (tensors: Tensors) => outcome(system, training(dataset, { network: mlp }), [["weights", fileOf(tensors)]]);
  assert.match(await train(right), isDigest);
  const { "fc1.bias": _bias, ...without } = right;
  for (const [tensors, sentence] of [
    [{ ...right, "head.weight": ["F32", [4, 2]] }, "tensor head.weight has shape [4, 2]; mlp with 3 classes has [3, 2]"],
    [without, "tensor fc1.bias is missing; mlp with 3 classes has one of shape [2]"],
    [{ ...right, "fc1.bias": ["BF16", [2]] }, "tensor fc1.bias is of type BF16; mlp with 3 classes has F32"],
    [{ ...right, "fc2.bias": ["F32", [1]] }, 'there is a tensor "fc2.bias", and mlp with 3 classes has none of that name'],
    [{ ...right, "head.bias": ["F32", [3], Float32Array.of(0, 1, NaN)] }, "tensor head.bias is not finite at [2]: NaN"],
    [
      { ...right, "head.weight": ["F32", [3, 2], Float32Array.of(0, 0, 0, -Infinity, 0, 0)] },
      "tensor head.weight is not finite at [1, 1]: -Infinity",
    ],
  ] as const)
    assert.equal(await train(tensors as Tensors), `outputs: ${sentence}`);
});

test("buffers of a network belong to its weights, counters with their type", async () => {
  await using system = await startSystem();
  const dataset = await system.publish(recipeOf(1));
  const network = { name: "resnet18", size: 32 };
  const tensors = Object.fromEntries(
    networkOf("resnet18", { classes: 3, size: 32 }).tensors.map(({ name, dtype, shape }) => [name, [dtype, shape] as const]),
  );
  const train = (changes: Tensors) => outcome(system, training(dataset, { network }), [["weights", fileOf({ ...tensors, ...changes })]]);
  assert.match(await train({}), isDigest);
  const sentence = "outputs: tensor bn1.num_batches_tracked is of type F32; resnet18 with 3 classes has I64";
  assert.equal(await train({ "bn1.num_batches_tracked": ["F32", []] }), sentence);
});

/** Publishes weights as if a training had made them. */
async function publishModel(system: System, recipe: Recipe, file: Uint8Array): Promise<Digest> {
  const weights = await system.artifacts.upload(file, { mediaType: mediaTypes.weights });
  const built = buildModelManifest({ recipe, licences: [], weights, architecture: "my-net", parameterCount: 1 });
  return (await system.artifacts.publish(built)).digest as Digest;
}

test("weights of a network that only trainers know are those that they start from, with a head for the classes", async () => {
  await using system = await startSystem();
  const dataset = await system.publish(recipeOf(1));
  const network = { network: { name: "my-net" }, head: ["out.weight", "out.bias"] };
  const start = fileOf({ "body.weight": ["BF16", [5, 4]], count: ["I64", []], "out.weight": ["BF16", [9, 5]] });
  const weights = await publishModel(system, training(dataset, network), start);
  const train = (tensors: Tensors, inputs: { readonly [role: string]: Digest } = { weights }) =>
    outcome(system, training(dataset, network, inputs), [["weights", fileOf(tensors)]]);
  const head = { "out.weight": ["F32", [3, 5]], "out.bias": ["F32", [3]] } as const;
  assert.match(await train({ "body.weight": ["BF16", [5, 4]], count: ["I64", []], ...head }), isDigest);
  // Computed in 32 bits, and so kept.
  assert.match(await train({ "body.weight": ["F32", [5, 4]], count: ["I64", []], ...head }), isDigest);
  for (const [tensors, sentence] of [
    [
      { "body.weight": ["F32", [5, 3]], count: ["I64", []], ...head },
      "tensor body.weight has shape [5, 3]; the model that it starts from has [5, 4]",
    ],
    [
      { "body.weight": ["I64", [5, 4]], count: ["I64", []], ...head },
      "tensor body.weight is of type I64; the model that it starts from has BF16",
    ],
    [{ ...head, "out.bias": ["F32", [9]] }, "tensor out.bias has shape [9]; a tensor of the head has a row for each of the 3 classes"],
    [{ "out.weight": ["F32", [3, 5]] }, "tensor out.bias is missing; a tensor of the head has a row for each of the 3 classes"],
  ] as const)
    assert.equal(await train(tensors as Tensors), `outputs: ${sentence}`);
  // Made to fit: a convolution for other channels, position embeddings of another size, counters that were missing.
  const old = fileOf({ "conv.weight": ["F32", [8, 3, 2, 2]], positions: ["F32", [1, 5, 4]], gamma: ["F32", [4, 1, 1]] });
  const inputs = { weights: await publishModel(system, training(dataset, network), old) };
  const adapted: Tensors = { "conv.weight": ["F32", [8, 1, 2, 2]], positions: ["F32", [1, 10, 4]], gamma: ["F32", [4]], ...head };
  assert.match(await train({ ...adapted, "bn.num_batches_tracked": ["I64", []] }, inputs), isDigest);
  assert.match(await train({ ...adapted, "conv.weight": ["F32", [8, 3, 3, 3]] }, inputs), /tensor conv\.weight has shape \[8, 3, 3, 3\]/);
  // Without a start nobody knows the rest.
  assert.match(await train({ whatever: ["F32", [1]], ...head }, {}), isDigest);
  assert.match(await train({ ...head, whatever: ["F32", [1], Float32Array.of(NaN)] }, {}), /tensor whatever is not finite at \[0\]: NaN/);
});

test("an artifact that a trainer has published itself goes if it is not what the recipe makes", async () => {
  await using system = await startSystem();
  const dataset = await system.publish(recipeOf(1));
  const parameters = {
    ...{ architecture: "mlp", hidden: [2], classes: 3, steps: 1, batch: 1, learningRate: 0.1, weightDecay: 0, dropout: 0 },
    ...{ train: "all", keep: "last", validationFraction: 0, validateEvery: 0, initSeed: 1 },
  };
  const recipe: Recipe = { kind: "pretrain", inputs: { datasets: [dataset] }, seed: 1, arithmetic: arithmetics.cpu, parameters };
  const { id } = await system.submit(recipe);
  const complete = async (file: Uint8Array) => {
    const attempt = await system.begin(id);
    return system.jobs.completeAttempt({ jobId: id, attempt, artifact: await publishModel(system, recipe, file) });
  };
  const sentence = "outputs: tensor fc1.weight is missing; mlp with 3 classes has one of shape [2, 256]";
  await assert.rejects(
    complete(fileOf({})),
    (error) => isRpcError(error, Code.INVALID_ARGUMENT, "OUTPUTS_INVALID") && error.message === sentence,
  );
  assert.equal(await system.artifacts.findByRecipe(recipe), undefined);
  const file = saveFloat32(initialWeights({ hidden: [2], classes: 3, initSeed: 1 }), { format: "pt" });
  assert.equal((await complete(file)).job?.state, JobState.SUCCEEDED);
});

/** An import of shards of eight images, four of each of two domains; and the index of them. */
async function importImages(system: System): Promise<{ source: Digest; index: ImageIndex }> {
  const images = Array.from({ length: 8 }, (_, place) => ({
    ...{ domain: place < 4 ? "photo" : "sketch", class: place % 2 === 0 ? "cat" : "dog", name: `${place}.png` },
    content: { make: () => encodePng({ width: 1, height: 1, channels: 1, data: Uint8Array.of(place) }) },
  }));
  const packing = packImages(images, { classes: ["cat", "dog"] });
  const files = [];
  for await (const { name, content } of packing.shards) {
    const annotations = { "org.opencontainers.image.title": name };
    files.push(await system.artifacts.upload(content.slice(), { mediaType: mediaTypes.shard, annotations }));
  }
  const parameters = {
    files: files.map(({ digest, size, annotations }) => ({ path: annotations!["org.opencontainers.image.title"]!, digest, bytes: size })),
    ...{ licence: "MIT", source: "https://example.org" },
  };
  const recipe: Recipe = { kind: "import", inputs: {}, parameters };
  const { digest } = await system.artifacts.publish(buildSourceManifest({ recipe, licences: ["MIT"], files }));
  return { source: digest as Digest, index: packing.index() };
}

const indexing = (source: Digest): Recipe => ({ kind: "dataset", inputs: { source }, parameters: { generator: "image-shards/1" } });

test("an index speaks of shards that are there, and of places in them", async () => {
  await using system = await startSystem();
  const { source, index } = await importImages(system);
  const make = (changes: Partial<ImageIndex>) => outcome(system, indexing(source), [["data", encodeIndex({ ...index, ...changes })]]);
  assert.match(
    await make({ bytes: index.bytes.map((bytes) => bytes * 1e6) }),
    /^outputs: not an index of images or records: row 0 is beyond the end of its shard$/,
  );
  const [shard] = index.shards;
  assert.match(
    await make({ shards: [{ ...shard!, bytes: shard!.bytes + 1 }] }),
    /^outputs: the index speaks of the shard sha256:\w+ of \d+ bytes; neither/,
  );
  const dataset = (await make({})) as Digest;
  assert.match(dataset, isDigest);
  // A part of it lies in the same shards.
  const part: Recipe = {
    kind: "dataset",
    inputs: { source: dataset },
    parameters: { generator: "subset/1", domains: ["photo", "sketch"] },
  };
  assert.match(await outcome(system, part, [["data", encodeIndex({ ...index, domains: ["photo", "sketch"] })]]), isDigest);
  const shards = [{ digest: source, bytes: 1e6 }];
  const other: Recipe = { ...part, parameters: { generator: "subset/1" } };
  assert.match(await outcome(system, other, [["data", encodeIndex({ ...index, shards })]]), /neither the outputs nor the source have it/);
});

test("drawn symbols are as many as the recipe asks for", async () => {
  await using system = await startSystem();
  const made = await system.publish(recipeOf(1));
  const { layers } = JSON.parse(new TextDecoder().decode((await system.artifacts.get(made)).manifest)) as { layers: { digest: string }[] };
  const file = await system.artifacts.download(layers[0]!.digest);
  const recipe = (images: number): Recipe => ({ ...recipeOf(2), parameters: { ...recipeOf(2).parameters, images } });
  assert.match(await outcome(system, recipe(12), [["data", file]]), isDigest);
  assert.equal(await outcome(system, recipe(13), [["data", file]]), "outputs: tensor images has 12 rows; the recipe asks for 13 images");
});

test("a split has rows of its data set, each in its domain and once", async () => {
  await using system = await startSystem();
  const { source, index } = await importImages(system);
  const dataset = (await outcome(system, indexing(source), [["data", encodeIndex(index)]])) as Digest;
  const rows = (...numbers: number[]) => Int32Array.from(numbers);
  let trial = 0;
  const make = (...split: Split) =>
    outcome(system, { kind: "split", inputs: { dataset }, parameters: { scheme: "domainbed/1", fraction: 0.25, trial: ++trial } }, [
      ["split", encodeSplit(split)],
    ]);
  const photo = { domain: "photo", training: rows(0, 1, 2), validation: rows(3) };
  const sketch = { domain: "sketch", training: rows(4, 5, 6), validation: rows(7) };
  assert.match(await make(photo, sketch), isDigest);
  for (const [split, sentence] of [
    [[photo], "the split is of 1 domains; the data set has 2"],
    [[sketch, photo], 'domain 0 of the split is "sketch"; in the data set it is "photo"'],
    [[photo, { ...sketch, validation: rows(8) }], "tensor validation.1 has the row 8, which is none of its domain"],
    [[{ ...photo, validation: rows(-1) }, sketch], "tensor validation.0 has the row -1, which is none of its domain"],
    [[photo, { ...sketch, validation: rows(5) }], "tensor validation.1 has the row 5, which is in the split twice"],
  ] as const)
    assert.equal(await make(...split), `outputs: ${sentence}`);
});

test("a prediction has a finite logit of each class for every example that is asked for", async () => {
  await using system = await startSystem();
  const { source, index } = await importImages(system);
  const dataset = (await outcome(system, indexing(source), [["data", encodeIndex(index)]])) as Digest;
  const rows = (...numbers: number[]) => Int32Array.from(numbers);
  const split = (await outcome(
    system,
    { kind: "split", inputs: { dataset }, parameters: { scheme: "domainbed/1", fraction: 0.5, trial: 0 } },
    [
      [
        "split",
        encodeSplit([
          { domain: "photo", training: rows(2, 0), validation: rows(3, 1) },
          { domain: "sketch", training: rows(4, 5), validation: rows(6, 7) },
        ]),
      ],
    ],
  )) as Digest;
  const network = { name: "mlp", size: 1, options: { hidden: [1] } };
  const model = await publishModel(system, training(dataset, { network, classes: 2 }), saveFloat32(new Map()));
  const predict = (changes: Partial<Prediction> = {}) => {
    // Of a recipe of its own each time.
    const parameters = { network, classes: 2, domains: ["sketch", "photo"], part: "validation", transform: `none/${++seeds}` };
    const recipe: Recipe = { kind: "predict", inputs: { models: [model], dataset, split }, parameters, arithmetic: arithmetics.training };
    const prediction = {
      ...{ classes: 2, domains: ["sketch", "photo"], logits: new Float32Array(8) },
      ...{ rows: rows(1, 3, 6, 7), rowDomains: rows(1, 1, 0, 0), labels: rows(1, 1, 0, 1) },
      ...changes,
    };
    return outcome(system, recipe, [["prediction", encodePrediction(prediction)]]);
  };
  assert.match(await predict(), isDigest);
  const few = { rows: rows(1, 3), rowDomains: rows(1, 1), labels: rows(1, 1), logits: new Float32Array(4) };
  for (const [changes, sentence] of [
    [few, "tensor logits has 2 rows; the recipe asks for 4 examples"],
    [{ classes: 1, logits: new Float32Array(4) }, "tensor logits has 1 columns; the recipe has 2 classes"],
    [{ logits: Float32Array.of(0, 0, 0, NaN, 0, 0, 0, 0) }, "tensor logits is not finite at [1, 1]: NaN"],
    [{ rows: rows(1, 2, 6, 7) }, "tensor rows has 2 at [1]; by the data set it is 3"],
    [{ rowDomains: rows(0, 1, 0, 0) }, "tensor domains has 0 at [0]; by the data set it is 1"],
    [{ labels: rows(1, 1, 0, 0) }, "tensor labels has 0 at [3]; by the data set it is 1"],
    [{ domains: ["photo", "sketch"] }, 'the prediction is of the domains ["photo","sketch"]; the recipe\'s are ["sketch","photo"]'],
  ] as const)
    assert.equal(await predict(changes), `outputs: ${sentence}`);
});
