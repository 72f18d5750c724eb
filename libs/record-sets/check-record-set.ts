import { createHash } from "node:crypto";
import { finishInTurns, giveWay } from "#libs/concurrency";
import {
  createFindings,
  createIndexBuilder,
  type Findings,
  type ImageIndex,
  imageLeaks,
  imagesInDomains,
  type Problem,
} from "#libs/image-sets";
import { quote } from "#libs/text";
import { readRecordSet } from "./read/read-record-set.ts";
import type { RecordSet } from "./types.ts";

/** What is in a folder of records, and what is wrong with it. */
export type RecordReport = {
  readonly path: string;
  /** Whether there is no error among the problems. */
  readonly usable: boolean;
  readonly records: number;
  readonly bytes: number;
  readonly classes: readonly string[];
  readonly domains: readonly {
    readonly domain: string;
    readonly records: number;
    readonly bytes: number;
    readonly classes: readonly { readonly class: string; readonly records: number }[];
  }[];
  readonly problems: readonly Problem[];
};

export type CheckRecordsOptions = {
  /** Other folders, of auxiliary tasks: which records of this one do they hold, too? */
  readonly against?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** Records between two pauses. */
const STEP = 256;

/**
 * Reads every record of a folder, compares them by their bytes, and counts.
 * @throws ImageSetError where there is no such folder, and the signal's reason
 */
export async function checkRecordSet(path: string, { against = [], signal }: CheckRecordsOptions = {}): Promise<RecordReport> {
  const set = await readRecordSet(path, { signal });
  const problems = [...set.problems];
  if (problems.every(({ severity }) => severity !== "error")) {
    const findings = createFindings("record");
    await reportEqual(set, against, findings, signal);
    problems.push(...findings.problems());
  }
  const groupsOf = (name: string) => set.groups.filter(({ domain }) => domain === name);
  const domains = set.domains.map((domain) => {
    const own = groupsOf(domain);
    const [records, bytes] = [sum(own, "count"), sum(own, "bytes")];
    return { domain, records, bytes, classes: own.map(({ class: label, count }) => ({ class: label, records: count })) };
  });
  return {
    path,
    usable: problems.every(({ severity }) => severity !== "error"),
    records: sum(set.groups, "count"),
    bytes: sum(set.groups, "bytes"),
    classes: set.classes,
    domains,
    problems,
  };
}

async function reportEqual(set: RecordSet, against: readonly string[], findings: Findings, signal: AbortSignal | undefined): Promise<void> {
  const seen = async (label: string, of: RecordSet) => ({ label, digests: [], index: await contentsOf(of, signal) });
  const own = await seen("this folder", set);
  const turns = signal ?? new AbortController().signal;
  const twice = await finishInTurns(imagesInDomains(own), turns);
  if (twice !== undefined) findings.report("warning", "equal-records", twice);
  for (const path of against) {
    const other = await seen(`the folder ${quote(path)}`, await readRecordSet(path, { signal }));
    for (const { message } of await finishInTurns(imageLeaks(own, [other]), turns)) findings.report("warning", "equal-records", message);
  }
}

/** What the records of a set are, by their bytes; where they are is not known before they are packed. */
async function contentsOf({ records, domains, classes }: RecordSet, signal: AbortSignal | undefined): Promise<ImageIndex> {
  const [domainPlaces, classPlaces] = [domains, classes].map((names) => new Map(names.map((name, place) => [name, place])));
  const builder = createIndexBuilder();
  let row = 0;
  for await (const { domain, class: label, name, item, content } of records()) {
    const places = { domain: domainPlaces!.get(domain) ?? 0, class: classPlaces!.get(label) ?? 0 };
    const sha256 = createHash("sha256").update(content).digest();
    builder.add({ ...places, shard: 0, offset: 0, bytes: content.length, sha256, name, item });
    if (row++ % STEP === 0) {
      await giveWay();
      signal?.throwIfAborted();
    }
  }
  return builder.build({ of: "records", domains, classes, shards: [] });
}

function sum<K extends string>(rows: readonly { readonly [key in K]: number }[], key: K): number {
  return rows.reduce((all, row) => all + row[key], 0);
}
