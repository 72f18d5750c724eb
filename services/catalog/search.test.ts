import assert from "node:assert/strict";
import { test } from "node:test";
import { buildEvaluationManifest, buildModelManifest, type Digest, type Json, mediaTypes, type Recipe } from "#libs/recipes";
import { Code } from "#libs/rpc";
import { averageOf, buildDataset, buildSource, type CatalogFixture, refusal, startCatalog, weightsOf } from "./testing/system.ts";

type Model = {
  readonly recipe?: Recipe;
  readonly licences?: readonly string[];
  readonly architecture?: string;
  readonly summary?: { readonly [name: string]: Json };
};

/** Publishes a model whose weights are those of a number. */
async function publishModel({ artifacts }: CatalogFixture, n: number, model: Model = {}): Promise<Digest> {
  const { architecture = "mlp", licences = ["MIT"], summary = {} } = model;
  const weights = await artifacts.upload(weightsOf(n), { mediaType: mediaTypes.weights });
  const files = [{ path: `model-${n}`, digest: weights.digest, bytes: weights.size }];
  const imported = { kind: "import", inputs: {}, parameters: { files, licence: licences.join(" AND "), source: `number ${n}` } } as const;
  const recipe = model.recipe ?? imported;
  const built = buildModelManifest({ recipe, licences, weights, architecture, parameterCount: 64, summary });
  return (await artifacts.publish(built)).digest as Digest;
}

async function find({ client }: CatalogFixture, filter: string, orderBy = ""): Promise<string[]> {
  return (await client.listArtifacts({ filter, orderBy })).artifacts.map(({ digest }) => digest);
}

test("artifacts are found by what their manifests, configs, results, names and annotations say", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const a = await publishModel(catalog, 1, { architecture: "resnet50", licences: ["Apache-2.0"], summary: { validationAccuracy: 0.8 } });
  const b = await publishModel(catalog, 2, {
    architecture: "resnet18",
    licences: ["MIT", "CC-BY-NC-4.0"],
    summary: { validationAccuracy: 0.9 },
  });
  const c = await publishModel(catalog, 3, { recipe: averageOf([a, b], "head"), architecture: "resnet50", licences: ["MIT"] });
  const data = (await artifacts.publish(await buildDataset(artifacts, 4))).digest;
  await client.moveRef({ name: "birds/champion", to: c });
  await client.createTag({ name: "birds:1.0", digest: a });
  await client.annotateArtifact({ digest: b, set: { team: "vision", task: "image-classification" } });

  const cases: readonly (readonly [filter: string, ...found: string[]])[] = [
    ["", data, c, b, a],
    ["kind = model", c, b, a],
    ["kind != model", data],
    ["architecture = resnet50", c, a],
    ["architecture = resnet*", c, b, a],
    ["architecture : NET1", b],
    ["architecture != resnet50", data, b],
    ["licence = apache-2.0", a],
    ["licence = MIT -licence = CC-BY-NC-4.0", c],
    ["recipe = average method = uniform", c],
    ["name = birds/champion", c],
    ["name = birds*", c, a],
    ["name : CHAMP", c],
    ["task = image-classification", b],
    ["annotation.team = vision", b],
    ['annotation.team = "*"', b],
    ["annotation.mood = vision"],
    [`parent = ${a}`, c],
    ["parent = birds:1.0", c],
    [`parent = ${b.slice(0, 20)} kind = dataset`],
    ["metric.validationAccuracy > 0.85", b],
    ["metric.validationAccuracy <= 0.8 OR name = birds/champion", c, a],
    ["resnet50", c, a],
    ["champion", c],
    ["kind = model (resnet18 OR 1.0)", b, a],
    ["size > 1000000"],
    ["published > 2020-01-01 damaged = false stale = false kind = dataset", data],
    ["published < 2020-01-01T00:00:00Z"],
  ];
  const all = async () => {
    for (const [filter, ...found] of cases) assert.deepEqual(await find(catalog, filter), found, filter);
  };
  await all();
  await catalog.restart();
  await all();

  assert.deepEqual(await find(catalog, "kind = model", "created"), [a, b, c]);
  assert.deepEqual(await find(catalog, "", "metric.validationAccuracy desc"), [b, a]);
  assert.deepEqual(await find(catalog, "architecture = resnet50", "metric.validationAccuracy"), [a]);
  assert.deepEqual((await find(catalog, "", "size")).length, 4);

  await catalog.client.annotateArtifact({ digest: b, set: { team: "audio" }, remove: ["task", "unheard"] });
  assert.deepEqual(await find(catalog, "annotation.team = vision OR task = image-classification"), []);
  const changed = (await catalog.client.getArtifact({ name: { case: "digest", value: b } })).artifact;
  assert.deepEqual([changed?.annotations, changed?.names], [{ team: "audio" }, []]);
  await catalog.client.moveRef({ name: "birds/champion", from: c });
  assert.deepEqual(await find(catalog, "name = birds*"), [a]);
});

test("what an evaluation has measured is found of its models", async () => {
  await using catalog = await startCatalog();
  const { artifacts } = catalog;
  const models = [await publishModel(catalog, 1), await publishModel(catalog, 2)];
  const data = (await artifacts.publish(await buildDataset(artifacts, 3))).digest as Digest;
  const score = (correct: number) => ({ correct, count: 100, loss: 1 - correct / 100 });
  const result = { measure: "accuracy", models: [{ heldOut: score(70) }, { heldOut: score(80), validation: score(95) }] };
  const layer = await artifacts.upload(Buffer.from(JSON.stringify(result)), { mediaType: mediaTypes.evaluationLayer });
  const recipe = {
    kind: "evaluate",
    inputs: { models, heldOut: data },
    parameters: { measure: "accuracy" },
    arithmetic: "evaluate/1",
  } as const;
  await artifacts.publish(buildEvaluationManifest({ recipe, licences: [], result: layer }));
  assert.deepEqual(await find(catalog, "metric.accuracy.held-out >= 0.75"), [models[1]]);
  assert.deepEqual(await find(catalog, "metric.loss.held-out < 0.5", "metric.accuracy.held-out"), models);
  assert.deepEqual(await find(catalog, "metric.accuracy.validation > 0"), [models[1]]);
});

test("pages of a search neither repeat nor miss what was there while others come and go", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const made: string[] = [];
  for (let n = 0; n < 12; n++) made.push((await artifacts.publish(await buildSource(artifacts, n))).digest);
  for (const [filter, orderBy] of [
    ["", ""],
    ["recipe = import", "created"],
    ["licence : cc0", "size desc"],
  ] as const) {
    const seen: string[] = [];
    let pageToken = "";
    let extra = 100;
    do {
      const page = await client.listArtifacts({ filter, orderBy, pageSize: 5, pageToken });
      seen.push(...page.artifacts.map(({ digest }) => digest));
      pageToken = page.nextPageToken;
      const { digest } = await artifacts.publish(await buildSource(artifacts, extra++));
      await client.deleteArtifact({ digest });
      if (extra > 110) assert.fail("there is no end to the pages");
    } while (pageToken !== "");
    assert.equal(new Set(seen).size, seen.length);
    assert.deepEqual(new Set(seen), new Set(made));
  }
});

test("a wrong search is refused and says where it is wrong", async () => {
  await using catalog = await startCatalog();
  const { client } = catalog;
  const problem = async (request: Parameters<typeof client.listArtifacts>[0]) =>
    (await refusal(client.listArtifacts(request), Code.INVALID_ARGUMENT, "INVALID_FIELD")).violations[0];
  assert.deepEqual(await problem({ filter: "size = x" }), {
    field: "filter",
    description: 'at character 8: expected a number, got "x"',
  });
  assert.equal((await problem({ orderBy: "sise" }))?.description, 'cannot sort by "sise"; did you mean size?');
  assert.equal((await problem({ orderBy: "size up" }))?.field, "order_by");
  assert.equal((await problem({ pageToken: "x" }))?.field, "page_token");
  await catalog.artifacts.publish(await buildSource(catalog.artifacts, 1));
  await catalog.artifacts.publish(await buildSource(catalog.artifacts, 2));
  const { nextPageToken } = await client.listArtifacts({ pageSize: 1 });
  assert.equal((await problem({ pageToken: nextPageToken, filter: "kind = model" }))?.field, "page_token");
  await refusal(client.listArtifacts({ filter: "parent = nobody/here" }), Code.NOT_FOUND, "REF_NOT_FOUND");
  await refusal(client.listArtifacts({ filter: "parent = nobody:1" }), Code.NOT_FOUND, "TAG_NOT_FOUND");
});
