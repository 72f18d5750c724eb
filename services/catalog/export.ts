import { isName } from "#libs/artifacts";
import { giveWay } from "#libs/concurrency";
import { cycloneDx, type LineageNode, lineageNode, provJson } from "#libs/lineage";
import type { Artifacts } from "./artifacts.ts";
import type { Lineage } from "./lineage.ts";
import { architecturesOf, metricsOf } from "./metric-values.ts";
import type { CatalogDatabase } from "./store/tables.ts";

/** The forms in which others read a lineage. */
const formats = { cyclonedx: cycloneDx, prov: provJson } as const;

/** Artifacts of one document, which is made in memory. */
const MOST_EXPORTED = 50_000;
const BATCH = 500;
const CHUNK_BYTES = 1 << 20;

/** The document of a lineage, in chunks. CatalogError as Lineage.ancestors has them. */
export async function* exportLineage(
  { database, artifacts, lineage }: { database: CatalogDatabase; artifacts: Artifacts; lineage: Lineage },
  { name, format, signal }: { name: string; format: keyof typeof formats; signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  const sequences = await lineage.ancestors(name, MOST_EXPORTED);
  const nodes: LineageNode[] = [];
  for (let start = 0; start < sequences.length; start += BATCH) {
    signal.throwIfAborted();
    const batch = sequences.slice(start, start + BATCH);
    const [metrics, architectures] = [await metricsOf(database, batch), await architecturesOf(database, batch)];
    for (const { sequence, manifest, names } of await artifacts.bySequences(batch)) {
      nodes.push(
        lineageNode({
          manifest,
          names: names.filter(isName),
          architecture: architectures.get(sequence),
          metrics: metrics.get(sequence) ?? [],
        }),
      );
    }
    await giveWay();
  }
  const [first, ...others] = nodes;
  if (first === undefined) return;
  const bytes = new TextEncoder().encode(`${JSON.stringify(formats[format]([first, ...others]), null, 1)}\n`);
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) yield bytes.subarray(start, start + CHUNK_BYTES);
}
