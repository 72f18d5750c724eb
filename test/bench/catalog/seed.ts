import { join } from "node:path";
import { sql } from "kysely";
import { giveWay } from "#libs/concurrency";
import { uniform } from "#libs/deterministic";
import {
  type BuiltManifest,
  buildDatasetManifest,
  buildModelManifest,
  type Digest,
  inputsByRole,
  mediaTypes,
  type Recipe,
  readManifest,
} from "#libs/recipes";
import { openBlobStore, openDatabase } from "#libs/storage";
import { writeSafetensors } from "#libs/tensors";
import { migrations } from "../../../services/catalog/store/migrations.ts";

/** What queries ask for. */
export type Seeded = {
  readonly foundations: readonly Digest[];
  readonly tuned: readonly Digest[];
  readonly averages: readonly Digest[];
};

const BATCH = 2000;
const MEMBERS = 10;
const TASKS = 200;
const [NAMED, AVERAGED] = [0.1, 0.2];
export const ARCHITECTURES = ["resnet18", "resnet50", "vit_base_patch16_224", "convnext_tiny", "efficientnet_b0", "mlp"];
export const LICENCES = ["MIT", "Apache-2.0", "CC-BY-4.0", "CC-BY-NC-4.0", "LicenseRef-own"];
export const DOMAINS = ["clipart", "infograph", "painting", "quickdraw", "real", "sketch"];

/**
 * Writes a catalog of so many models: one foundation for each architecture, fine-tunings of them, and averages of ten fine-tunings of one
 * foundation, some of them again in averages. All have the same weights, which nobody reads; a tenth have names. Rows are written as an
 * earlier version has left them, so that the first opening makes the index of the search.
 */
export async function seedCatalog(directory: string, models: number): Promise<Seeded> {
  const store = await openBlobStore(join(directory, "blobs"));
  await using database = await openDatabase({ path: join(directory, "catalog.sqlite"), migrations });
  const data = writeSafetensors([{ name: "weight", dtype: "U8", shape: [64], data: new Uint8Array(64) }]);
  const { digest, size } = await store.put([data]);
  const layer = (mediaType: string) => ({ mediaType, digest, size });
  let drawn = 0;
  const random = () => uniform(1, drawn++);
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const sequences = new Map<string, number>();
  const configs = new Set<Digest>();
  const seeded = { foundations: [] as Digest[], tuned: [] as Digest[], averages: [] as Digest[] };
  const families = ARCHITECTURES.map(() => [] as Digest[]);
  let waiting: { built: BuiltManifest; recipe: Recipe; name?: string }[] = [];

  async function write(): Promise<void> {
    const rows = waiting.map(({ built, recipe, name }) => {
      const { digest, manifest } = built;
      const read = readManifest(manifest);
      sequences.set(digest, sequences.size + 1);
      const blobs = new Map([read.config, ...read.layers].map((blob) => [blob.digest, blob.size]));
      return {
        ...{ digest, sequence: sequences.get(digest), kind: read.kind, key: read.recipeKey, name },
        manifest: new TextDecoder().decode(manifest),
        blobs: [...blobs],
        inputs: inputsByRole(recipe).map(({ role, digest }) => [sequences.get(digest), role]),
      };
    });
    const json = JSON.stringify(rows);
    await database.transaction(
      async (tx) => {
        await sql`insert into artifact (sequence, digest, kind, manifest, recipe_key, size_bytes, touched_at)
          select value ->> 'sequence', value ->> 'digest', value ->> 'kind', cast(value ->> 'manifest' as blob), value ->> 'key', 1000 + key,
          1700000000000 + (value ->> 'sequence') from json_each(${json})`.execute(tx);
        await sql`insert into artifact_blob (artifact, blob, size) select row.value ->> 'digest', blob.value ->> 0, blob.value ->> 1
          from json_each(${json}) as row, json_each(row.value, '$.blobs') as blob`.execute(tx);
        await sql`insert into artifact_input (artifact, position, input, role)
          select row.value ->> 'sequence', input.key, input.value ->> 0, input.value ->> 1
          from json_each(${json}) as row, json_each(row.value, '$.inputs') as input`.execute(tx);
        await sql`insert into ref (name, digest) select value ->> 'name', value ->> 'digest' from json_each(${json})
          where value ->> 'name' is not null`.execute(tx);
      },
      { sync: false },
    );
    waiting = [];
    await giveWay();
  }

  async function add(built: BuiltManifest, recipe: Recipe, name?: string): Promise<Digest> {
    const { config } = readManifest(built.manifest);
    if (!configs.has(config.digest)) await store.put([built.config]);
    configs.add(config.digest);
    waiting.push({ built, recipe, ...(name === undefined ? {} : { name }) });
    if (waiting.length >= BATCH) await write();
    return built.digest;
  }

  const datasets: Digest[] = [];
  for (let seed = 0; seed < TASKS; seed++) {
    const recipe: Recipe = { kind: "dataset", inputs: {}, seed, parameters: { generator: "image-shards/1", domains: DOMAINS } };
    datasets.push(await add(buildDatasetManifest({ recipe, licences: [], data: layer(mediaTypes.datasetLayer) }), recipe));
  }
  for (let n = 0; n < models; n++) {
    const family = n % ARCHITECTURES.length;
    const [architecture, members] = [ARCHITECTURES[family]!, families[family]!];
    const model = { weights: layer(mediaTypes.weights), architecture, parameterCount: 64, licences: [one(LICENCES)] };
    const name = random() < NAMED ? `task-${n % TASKS}/model-${n}` : undefined;
    const accuracy = Math.round(random() * 1e6) / 1e6;
    if (n < ARCHITECTURES.length) {
      const files = [{ path: `${architecture}.safetensors`, digest, bytes: size }];
      const recipe: Recipe = { kind: "import", inputs: {}, parameters: { files, licence: model.licences[0]!, source: "bench" } };
      seeded.foundations.push(await add(buildModelManifest({ ...model, recipe }), recipe, `foundations/${architecture}`));
    } else if (members.length > MEMBERS && random() < AVERAGED) {
      const recipe: Recipe = {
        kind: "average",
        inputs: { models: Array.from({ length: MEMBERS }, () => one(members)) },
        parameters: { method: "uniform", dtype: "F32" },
        arithmetic: "exact-mean/1",
      };
      const average = await add(buildModelManifest({ ...model, recipe }), recipe, name);
      seeded.averages.push(average);
      if (random() < NAMED) members.push(average);
    } else {
      const recipe: Recipe = {
        kind: "train",
        inputs: { dataset: datasets[n % TASKS]!, weights: seeded.foundations[family]! },
        parameters: { network: { name: architecture }, domains: [one(DOMAINS)], steps: 100 },
        seed: n,
        arithmetic: "train/2",
      };
      const summary = { steps: 100, bestStep: 100, finalLoss: 1 - accuracy, validationAccuracy: accuracy };
      const tuned = await add(buildModelManifest({ ...model, recipe, summary }), recipe, name);
      seeded.tuned.push(tuned);
      members.push(tuned);
    }
  }
  await write();
  return seeded;
}
