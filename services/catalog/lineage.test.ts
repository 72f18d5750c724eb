import assert from "node:assert/strict";
import { test } from "node:test";
import type { Digest } from "#libs/recipes";
import { allPages, Code } from "#libs/rpc";
import { openDatabase } from "#libs/storage";
import { LineageDirection, LineageFormat } from "#proto/ratatouille/v1/catalog_pb.ts";
import { createArtifacts } from "./artifacts.ts";
import { createLineage, type Lineage } from "./lineage.ts";
import { migrations } from "./store/migrations.ts";
import type { CatalogTables } from "./store/tables.ts";
import {
  averageOf,
  buildAverage,
  buildDataset,
  buildSource,
  type CatalogFixture,
  refusal,
  startCatalog,
  weightsOf,
} from "./testing/system.ts";

const { ANCESTORS, DESCENDANTS } = LineageDirection;

async function average({ artifacts }: CatalogFixture, models: readonly Digest[], n: number): Promise<Digest> {
  return (await artifacts.publish(await buildAverage(artifacts, averageOf(models, `n${n}`), weightsOf(n)))).digest as Digest;
}

/** Two sources, averages of them, and a model that only one of the averages is in. */
async function family(catalog: CatalogFixture) {
  const { artifacts } = catalog;
  const source = async (n: number) => (await artifacts.publish(await buildSource(artifacts, n))).digest as Digest;
  const [a, b] = [await source(1), await source(2)];
  const ab = await average(catalog, [a, b], 3);
  const aa = await average(catalog, [a, a], 4);
  const top = await average(catalog, [ab, aa], 5);
  const other = (await artifacts.publish(await buildDataset(artifacts, 6))).digest as Digest;
  return { a, b, ab, aa, top, other };
}

test("the lineage is walked both ways, at once and in pages", async () => {
  await using catalog = await startCatalog();
  const { client } = catalog;
  const { a, b, ab, aa, top, other } = await family(catalog);
  const walk = async (request: Parameters<typeof client.getLineage>[0]) =>
    (await client.getLineage(request)).artifacts.map(({ digest }) => digest);
  const paged = async (request: Parameters<typeof client.getLineage>[0]) => {
    const found: string[] = [];
    for await (const { artifacts } of allPages((pageToken) => client.getLineage({ ...request, pageSize: 2, pageToken })))
      found.push(...artifacts.map(({ digest }) => digest));
    return found;
  };
  assert.deepEqual(await walk({ digest: top }), [top, ab, aa, a, b]);
  assert.deepEqual(await walk({ digest: a, direction: DESCENDANTS }), [a, ab, aa, top]);
  assert.deepEqual(await walk({ digest: a, direction: DESCENDANTS, depth: 1 }), [a, ab, aa]);
  assert.deepEqual(await walk({ digest: b, direction: DESCENDANTS, membersOnly: true }), [b, ab, top]);
  assert.deepEqual(await walk({ digest: other, direction: DESCENDANTS }), [other]);
  assert.deepEqual(await paged({ digest: top, direction: ANCESTORS }), [top, aa, ab, b, a]);
  assert.deepEqual(await paged({ digest: top, direction: ANCESTORS, depth: 1 }), [top, aa, ab]);
  assert.deepEqual(await paged({ digest: a, direction: DESCENDANTS }), [a, ab, aa, top]);
  assert.deepEqual(await paged({ digest: b, direction: DESCENDANTS, membersOnly: true, depth: 1 }), [b, ab]);

  const first = await client.getLineage({ digest: a, direction: DESCENDANTS, pageSize: 3 });
  const later = await average(catalog, [a], 7);
  const rest = await client.getLineage({ digest: a, direction: DESCENDANTS, pageSize: 3, pageToken: first.nextPageToken });
  assert.deepEqual(
    rest.artifacts.map(({ digest }) => digest),
    [top, later],
    "what came meanwhile is in a later page",
  );
  const wrong = await refusal(
    client.getLineage({ digest: b, direction: DESCENDANTS, pageSize: 3, pageToken: first.nextPageToken }),
    Code.INVALID_ARGUMENT,
    "INVALID_FIELD",
  );
  assert.equal(wrong.violations[0]?.field, "page_token");
  assert.equal(
    (await refusal(client.getLineage({ digest: a, direction: 7 as never }), Code.INVALID_ARGUMENT, "INVALID_FIELD")).violations[0]?.field,
    "direction",
  );
});

test("common ancestors are the nearest ones", async () => {
  await using catalog = await startCatalog();
  const { client } = catalog;
  const { a, b, ab, aa, top, other } = await family(catalog);
  const common = async (...digests: string[]) => (await client.findCommonAncestors({ digests })).artifacts.map(({ digest }) => digest);
  assert.deepEqual(await common(ab, aa), [a]);
  assert.deepEqual(await common(top, ab), [ab]);
  assert.deepEqual(await common(ab, ab), [ab]);
  assert.deepEqual(await common(a, b), []);
  assert.deepEqual(await common(top, other), []);
  const twin = await average(catalog, [b, a], 8);
  assert.deepEqual(await common(ab, twin, top), [b, a]);
  for (const digests of [[], [a], Array.from({ length: 101 }, () => a)])
    assert.equal(
      (await refusal(client.findCommonAncestors({ digests }), Code.INVALID_ARGUMENT, "INVALID_FIELD")).violations[0]?.field,
      "digests",
    );
});

test("a lineage is exported, whole and the same again", async () => {
  await using catalog = await startCatalog();
  const { client } = catalog;
  const { a, b, ab } = await family(catalog);
  await client.createTag({ name: "birds:1.0", digest: ab });
  const { CYCLONEDX, PROV, UNSPECIFIED } = LineageFormat;
  const read = async (artifact: string, format: LineageFormat) =>
    Buffer.concat(
      (await Array.fromAsync(client.exportLineage({ artifact, format }, { timeoutMs: 10_000 }))).map(({ chunk }) => chunk),
    ).toString();
  const text = await read("birds:1.0", CYCLONEDX);
  const bom = JSON.parse(text);
  assert.deepEqual([bom.metadata.component.name, bom.metadata.component["bom-ref"]], ["birds:1.0", ab]);
  assert.deepEqual(bom.dependencies, [
    { ref: ab, dependsOn: [a, b] },
    { ref: b, dependsOn: [] },
    { ref: a, dependsOn: [] },
  ]);
  assert.equal(await read(ab, CYCLONEDX), text);
  assert.equal(Object.keys(JSON.parse(await read(ab.slice(0, 20), PROV)).entity).length, 3);
  assert.equal((await refusal(read(ab, UNSPECIFIED), Code.INVALID_ARGUMENT, "INVALID_FIELD")).violations[0]?.field, "format");
  assert.equal((await refusal(read("", PROV), Code.INVALID_ARGUMENT, "INVALID_FIELD")).violations[0]?.field, "artifact");
});

test("pages of very many descendants have the same as those of few", async () => {
  await using catalog = await startCatalog();
  const { a, b, ab, aa, top } = await family(catalog);
  await using database = await openDatabase<CatalogTables>({ path: catalog.directory.join("data", "catalog.sqlite"), migrations });
  const artifacts = createArtifacts(database);
  const [few, many] = [createLineage({ database, artifacts }), createLineage({ database, artifacts, wide: 0 })];
  for (const start of [a, b, ab, aa, top]) {
    for (const membersOnly of [false, true]) {
      const pages = async (lineage: Lineage) => {
        const found: string[] = [];
        for (let after: number | undefined; ; ) {
          const { items, next } = await lineage.page(start, { direction: "descendants", membersOnly, depth: 0 }, { size: 2, after });
          found.push(...items.map(({ digest }) => digest));
          if (next === undefined) return found;
          after = next;
        }
      };
      assert.deepEqual(await pages(many), await pages(few));
    }
  }
});
