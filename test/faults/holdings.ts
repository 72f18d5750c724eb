import { allPages, connect } from "#libs/rpc";
import { type Artifact, ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { CatalogService, type Ref } from "#proto/ratatouille/v1/catalog_pb.ts";
import { FinetuneService, type Job, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";

/** All that a system holds and that does not depend on times, trainers and attempts: equal after the same runs, whatever happened meanwhile. */
export type Holdings = {
  /** By digest: the kind and the key of the recipe, and "damaged" where it is. */
  readonly artifacts: Readonly<Record<string, string>>;
  /** By name: where it points, and why it moved each time. */
  readonly refs: Readonly<Record<string, string>>;
  /** By the key of the recipe: the state and the artifact. */
  readonly jobs: Readonly<Record<string, string>>;
};

/** Asks a system for its holdings. Two jobs of one recipe are an error. */
export async function holdingsOf(address: string): Promise<Holdings> {
  using channel = connect(address);
  const catalog = channel.client(CatalogService);
  const artifacts: Artifact[] = [];
  for await (const page of allPages((pageToken) => catalog.listArtifacts({ pageSize: 200, pageToken }))) artifacts.push(...page.artifacts);
  const refs: Ref[] = [];
  for await (const page of allPages((pageToken) => catalog.listRefs({ pageSize: 200, pageToken }))) refs.push(...page.refs);
  const jobs = await jobsOf(address);
  const keys = new Set(jobs.map(({ recipeKey }) => recipeKey));
  if (keys.size !== jobs.length) throw new Error(`${jobs.length} jobs of ${keys.size} recipes`);
  return {
    artifacts: sorted(
      artifacts.map(({ digest, kind, recipeKey, damaged }) => [
        digest,
        `${nameOf(ArtifactKind, kind)} ${recipeKey}${damaged ? " damaged" : ""}`,
      ]),
    ),
    refs: sorted(
      refs.map(({ name, digest, history }) => [name, [digest, ...history.map(({ digest, reason }) => `${digest} ${reason}`)].join(", ")]),
    ),
    jobs: sorted(jobs.map(({ recipeKey, state, artifact }) => [recipeKey, `${nameOf(JobState, state)} ${artifact}`])),
  };
}

/** All jobs of a system. */
export async function jobsOf(address: string): Promise<Job[]> {
  using channel = connect(address);
  const finetune = channel.client(FinetuneService);
  const jobs: Job[] = [];
  for await (const page of allPages((pageToken) => finetune.listJobs({ pageSize: 200, pageToken }))) jobs.push(...page.jobs);
  return jobs;
}

function sorted(entries: readonly (readonly [string, string])[]): Readonly<Record<string, string>> {
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The name of a number of a generated enum. */
export function nameOf(numbers: Readonly<Record<string, number>>, number: number): string {
  return Object.keys(numbers).find((name) => numbers[name] === number) ?? String(number);
}
