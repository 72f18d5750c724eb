import { toJson } from "@bufbuild/protobuf";
import { type Digest, type Json, readManifest } from "#libs/recipes";
import { buildReport, type LineageNode, type Method, type Report } from "#libs/reporting";
import { type RunSpec, RunSpecSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import { CLASSES } from "./cell-builder.ts";
import { collectCells } from "./cells.ts";
import type { Executors } from "./executors.ts";
import type { Plan } from "./plan.ts";
import { domainName } from "./plan-cell.ts";
import type { CompleteSpec } from "./specification.ts";
import type { WorkDone } from "./store.ts";
import { type Node, type Outcomes, stages } from "./template.ts";

/** The report of a finished run. Everything in it but the cost comes from the catalog. */
export async function reportRun({
  run,
  plan,
  outcomes,
  cost,
  executors,
  version,
  signal,
}: {
  /** Times in milliseconds since 1970. */
  readonly run: { readonly id: string; readonly spec: CompleteSpec; readonly startedAtMs: bigint; readonly finishedAtMs: bigint };
  readonly plan: Plan;
  readonly outcomes: Outcomes;
  readonly cost: { readonly wallMs: number; readonly work: readonly WorkDone[] };
  readonly executors: Executors;
  readonly version: string;
  readonly signal: AbortSignal;
}): Promise<Report> {
  const { spec } = run;
  const recycled = plan.cells[0]?.averages.find(({ method }) => method === "recycling")?.node;
  const outcome = recycled === undefined ? undefined : outcomes.get(recycled);
  const { lineage, licences } =
    outcome?.state === "done"
      ? await describeLineage(outcome.digest, plan.nodes, outcomes, executors, signal)
      : { lineage: [], licences: [] };
  return buildReport({
    ratatouille: version,
    name: spec.name,
    runId: run.id,
    startedAt: new Date(Number(run.startedAtMs)).toISOString(),
    finishedAt: new Date(Number(run.finishedAtMs)).toISOString(),
    task: {
      name: "digits",
      source: spec.target.source,
      domains: spec.target.domains.map(domainName),
      heldOut: spec.target.heldOut.map(domainName),
      seeds: spec.seeds,
      members: spec.fineTuning.members,
      classes: CLASSES,
      methods: spec.methods as Method[],
      backend: spec.backend,
    },
    cells: await collectCells(plan.cells, outcomes, executors.artifacts, signal),
    lineage,
    recipe: toJson(RunSpecSchema, spec as RunSpec) as Json,
    licences,
    timings: timingsOf(plan.nodes, outcomes, cost),
  });
}

async function describeLineage(
  digest: Digest,
  nodes: readonly Node[],
  outcomes: Outcomes,
  { catalog }: Executors,
  signal: AbortSignal,
): Promise<{ readonly lineage: LineageNode[]; readonly licences: readonly string[] }> {
  const labels = new Map<string, string>();
  for (const { id, label } of nodes) {
    const outcome = outcomes.get(id);
    if (outcome?.state === "done" && !labels.has(outcome.digest)) labels.set(outcome.digest, label);
  }
  const { artifacts } = await catalog.getLineage({ digest }, { signal });
  const lineage = artifacts.map((artifact) => {
    const { recipe } = readManifest(artifact.manifest);
    return {
      digest: artifact.digest,
      kind: recipe.kind,
      label: labels.get(artifact.digest) ?? (recipe.kind === "import" ? "imported files" : recipe.kind),
      inputs: artifact.inputs,
    };
  });
  const [root] = artifacts;
  return { lineage, licences: root ? readManifest(root.manifest).licences : [] };
}

function timingsOf(
  nodes: readonly Node[],
  outcomes: Outcomes,
  { wallMs, work }: { readonly wallMs: number; readonly work: readonly WorkDone[] },
): Report["timings"] {
  const seconds = (rows: readonly WorkDone[]) => rows.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / 1000;
  const failed = nodes.filter(({ id }) => outcomes.get(id)?.state !== "done").length;
  return {
    wallSeconds: wallMs / 1000,
    computeSeconds: seconds(work),
    artifacts: nodes.length,
    made: work.length,
    reused: nodes.length - failed - work.length,
    failed,
    stages: stages.flatMap((name) => {
      const own = nodes.filter(({ stage }) => stage === name);
      const rows = work.filter(({ stage }) => stage === name);
      const computeSeconds = name === "averaging" ? null : seconds(rows);
      return own.length > 0 ? [{ name, artifacts: own.length, made: rows.length, computeSeconds }] : [];
    }),
  };
}
