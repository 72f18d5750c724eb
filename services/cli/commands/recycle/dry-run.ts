import { create } from "@bufbuild/protobuf";
import { engineNamed } from "#libs/engines";
import { costOf, type Network } from "#libs/networks";
import { isRpcError } from "#libs/rpc";
import { UsageError } from "#libs/service";
import { bytes, columns, counted } from "#libs/text";
import { RunSpecSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import { estimateNeeds } from "../../../finetune/index.ts";
import { AUTO, describePlan, enginesNamed, type PlanDescription } from "../../../recycling/index.ts";
import type { CommandContext } from "../../context.ts";
import type { PreparedRun } from "../../study/prepare.ts";
import { factLines, widthOf, writeWrapped } from "../../write-wrapped.ts";
import { planTable, timeOf, trainingsTable } from "./plan-table.ts";
import type { EngineProbe } from "./probe-engine.ts";

/** Multiply-adds a second that hours are reckoned with: what two cores of a common processor do with convolutions. */
const PER_SECOND = 2e10;
/** What a run needs of machines, as far as its network is known. */
type Needs = {
  /** What goes into the catalog before anything is trained, and what the models that are made have together at most. */
  readonly importedFiles: number;
  readonly importedBytes: number;
  readonly modelBytes?: number;
  /** Of the job that needs most, as trainers are asked for it. */
  readonly memoryBytes: number;
  /** On one trainer; absent where only trainers know the network. */
  readonly seconds?: number;
  /** What that is from; without it, from `PER_SECOND`. */
  readonly probe?: EngineProbe;
  /** Why `auto` would find no engine on this machine. */
  readonly lacks?: string;
};

/** `ratatouille recycle FILE --dry-run`: the whole plan, and nothing of it is done. */
export async function dryRun(
  prepared: PreparedRun,
  { json, all }: { readonly json?: boolean; readonly all?: boolean },
  { stdout, signal }: CommandContext,
): Promise<number> {
  const spec = create(RunSpecSchema, prepared.draft());
  const plan = planOf(spec);
  const engines = enginesNamed(spec)?.join(" or ") ?? AUTO;
  const needs = await needsOf(prepared, plan, spec.backend, signal);
  if (json) stdout.write(`${JSON.stringify({ name: prepared.name, backend: engines, ...plan, needs })}\n`);
  else {
    const modelBytes = modelBytesOf(prepared);
    const perSecond = prepared.foreign ? undefined : (needs.probe?.multiplyAddsPerSecond ?? PER_SECOND);
    const thing = spec.study?.target?.generator === "records/1" ? "records" : "images";
    const tables = [planTable(plan, { perSecond, modelBytes, thing }), ...(all ? [trainingsTable(plan.trainings, thing)] : [])];
    for (const { head, rows } of tables) stdout.write(`${columns(head, rows, widthOf(stdout))}\n`);
    stdout.write(factLines(stdout, factsOf(prepared, engines, needs, thing === "records" ? "record" : "file")));
    const more = all ? "" : " --all lists every training with its numbers.";
    writeWrapped(stdout, `\nNothing was trained and nothing was stored.${more}\n`);
  }
  return 0;
}

function planOf(spec: Parameters<typeof describePlan>[0]): PlanDescription {
  try {
    return describePlan(spec);
  } catch (cause) {
    if (isRpcError(cause)) throw new UsageError(cause.message, { cause });
    throw cause;
  }
}

async function needsOf(
  prepared: PreparedRun,
  { trainings, models, stages }: PlanDescription,
  backend: string,
  signal: AbortSignal,
): Promise<Needs> {
  const { network, foreign } = prepared;
  const { files, bytes: importedBytes } = await prepared.imported();
  const pictures = Math.max(...trainings.map(({ batch, domains }) => batch * domains));
  const { probe, lacks } = network ? await probed(backend, network, pictures, signal) : {};
  const seconds = stages.reduce((sum, { work }) => sum + work, 0) / (probe?.multiplyAddsPerSecond ?? PER_SECOND);
  const memoryBytes = Math.max(...trainings.map(({ recipe }) => estimateNeeds(recipe, {}, foreign?.bytes).needs.memoryMib)) * 2 ** 20;
  const modelBytes = modelBytesOf(prepared);
  const common = {
    importedFiles: files,
    importedBytes,
    memoryBytes,
    ...(foreign ? {} : { seconds }),
    ...(probe ? { probe } : {}),
    ...(lacks ? { lacks } : {}),
  };
  return modelBytes === undefined ? common : { ...common, modelBytes: models * modelBytes };
}

/** Of one model, where that is known. */
function modelBytesOf({ network, foreign }: PreparedRun): number | undefined {
  if (network) return costOf(network).bytes;
  return foreign && foreign.bytes > 0 ? foreign.bytes : undefined;
}

/** How fast this machine is with a network, or why it has no engine for it. */
async function probed(backend: string, network: Network, pictures: number, signal: AbortSignal): Promise<Pick<Needs, "probe" | "lacks">> {
  // Loaded here: who only looks does not wait for it.
  const { engineHere, probeEngine } = await import("./probe-engine.ts");
  const engine = await engineHere(backend, network);
  if (engine === undefined)
    return backend === "auto"
      ? { lacks: `this machine has none that is fast enough for ${network.name}; ratatouille setup tensorflow installs one` }
      : {};
  const probe = await probeEngine(engine, network, pictures, signal);
  return probe ? { probe } : {};
}

function factsOf(
  { name, data, network, foreign }: PreparedRun,
  backend: string,
  { importedFiles, importedBytes, modelBytes, memoryBytes, seconds, probe, lacks }: Needs,
  thing: string,
): [string, string][] {
  const from = probe
    ? `measured here: ${counted(probe.steps, "step")} on ${probe.engine} with ${counted(probe.pictures, "image")} each, ${probe.secondsPerStep.toPrecision(2)} s a step`
    : `nothing was measured: from the network's work at ${PER_SECOND / 1e9} billion multiply-adds a second, which two cores do`;
  return [
    ["run", name],
    ["network", network?.name ?? (foreign ? `${foreign.name}, which only trainers know` : "")],
    ["engine", backend === "auto" ? `auto: the fastest that a trainer has${lacks ? `; ${lacks}` : ""}` : backend],
    ["imported", `${counted(importedFiles, thing)}, ${bytes(importedBytes)}, from ${data.path} and what else is named`],
    ["models", modelBytes === undefined ? "" : `at most ${bytes(modelBytes)} in the catalog`],
    ["memory", `${bytes(memoryBytes)} of a trainer, for the job that needs most`],
    [
      "time",
      seconds === undefined
        ? ""
        : `${timeOf(seconds)} on one trainer like this machine; ${from}${backend === "auto" && probe && engineNamed(probe.engine)?.device === "cpu" ? "; a GPU, which auto takes where a trainer has one, was not measured" : ""}`,
    ],
  ];
}
