import { toJson } from "@bufbuild/protobuf";
import type { Artifacts } from "#libs/artifacts";
import { createLimit } from "#libs/concurrency";
import { type Digest, type Json, readManifest, type TrainingCurve } from "#libs/recipes";
import { buildReport, type LineageNode, type Report } from "#libs/reporting";
import { type RunSpec, RunSpecSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { Executors } from "../drive/executors.ts";
import type { Outcomes } from "../plan/outcome.ts";
import type { Plan, ReadCurve } from "../plan/planner.ts";
import { type Node, stages } from "../plan/template.ts";
import type { RunCost, WorkDone } from "../runs/store.ts";
import { describeTask } from "./describe-task.ts";

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
  readonly run: {
    readonly id: string;
    readonly spec: RunSpec;
    readonly startedAtMs: bigint;
    readonly finishedAtMs: bigint;
    readonly notes: readonly string[];
  };
  readonly plan: Plan;
  readonly outcomes: Outcomes;
  readonly cost: RunCost;
  readonly executors: Executors;
  readonly version: string;
  readonly signal: AbortSignal;
}): Promise<Report> {
  const { spec } = run;
  const [first] = plan.recycled;
  const outcome = first === undefined ? undefined : outcomes.get(first.node);
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
    task: await describeTask(plan, outcomes, executors.artifacts, signal),
    cells: await plan.collect(outcomes, curveReader(executors.artifacts, signal)),
    lineage,
    recipe: toJson(RunSpecSchema, spec) as Json,
    licences,
    notes: run.notes,
    timings: timingsOf(plan.nodes, outcomes, cost),
  });
}

/** Reads of the catalog under way at once. */
const READS = 16;

function curveReader(artifacts: Artifacts, signal: AbortSignal): ReadCurve {
  const limit = createLimit(READS);
  return async (digest) => {
    if (digest === undefined) return { loss: [], validation: [] };
    const bytes = await limit(() => artifacts.download(digest, { signal }));
    return JSON.parse(new TextDecoder().decode(bytes)) as TrainingCurve;
  };
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

function timingsOf(nodes: readonly Node[], outcomes: Outcomes, { wallMs, work, processes }: RunCost): Report["timings"] {
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
    processes,
  };
}
