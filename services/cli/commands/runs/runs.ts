import { toJson } from "@bufbuild/protobuf";
import { allPages } from "#libs/rpc";
import { RecyclingService, type Run, RunSchema, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { ago, columns, duration } from "../../format.ts";
import { createDisplay, displayMode } from "../../render/index.ts";
import { factLines, widthOf, writeWrapped } from "../../write-wrapped.ts";
import { findRun } from "../meant.ts";
import { follow } from "../recycle/follow.ts";

const stateNames = new Map<number, string>(Object.entries(RunState).map(([name, value]) => [value, name.toLowerCase()]));
const stateName = ({ state }: Run) => stateNames.get(state) ?? String(state);

/** `ratatouille runs list`: all runs, newest first. */
export async function listRuns(options: GlobalOptions, context: CommandContext): Promise<number> {
  const recycling = (await useTarget(context, options, "look")).channel.client(RecyclingService);
  const runs: Run[] = [];
  const list = (pageToken: string) => recycling.listRuns({ pageToken, pageSize: 500 }, { signal: context.signal });
  for await (const page of allPages(list)) runs.push(...page.runs);
  if (options.json) context.stdout.write(`${JSON.stringify(runs.map((run) => toJson(RunSchema, run)))}\n`);
  else if (runs.length === 0) writeWrapped(context.stdout, "No runs yet. Start one: ratatouille recycle examples/digits.yaml\n");
  else
    context.stdout.write(
      columns(
        ["run", "name", "state", "started", "took"],
        runs.map((run) => [run.id, run.spec?.name ?? "", stateName(run), ago(run.startedAtMs), took(run)]),
        widthOf(context.stdout),
      ),
    );
  return 0;
}

/** `ratatouille runs show ID`: one run with its stages. */
export async function showRun(id: string, options: GlobalOptions, context: CommandContext): Promise<number> {
  const recycling = (await useTarget(context, options, "look")).channel.client(RecyclingService);
  const run = await findRun(id, recycling, context.signal);
  if (!run) return 1;
  if (options.json) context.stdout.write(`${JSON.stringify(toJson(RunSchema, run))}\n`);
  else context.stdout.write(describe(run, context.stdout));
  return 0;
}

function took({ workedMs }: Run): string {
  return workedMs > 0n ? duration(Number(workedMs)) : "";
}

function heldOut({ spec }: Run): string {
  const names = spec?.study?.heldOut ?? spec?.target?.heldOut.map((degrees) => `${degrees}°`) ?? [];
  return names.join(", ");
}

function describe(run: Run, stream: CommandContext["stdout"]): string {
  const known = [
    ["run", run.id],
    ["name", run.spec?.name ?? ""],
    ["state", run.error ? `${stateName(run)}: ${run.error}` : stateName(run)],
    ["started", ago(run.startedAtMs)],
    ["took", took(run)],
    ["seeds", run.spec?.seeds.join(", ") ?? ""],
    ["network", run.spec?.study?.network?.name ?? ""],
    ["engine", run.spec?.backend ?? ""],
    ["held out", heldOut(run)],
    ["methods", run.spec?.methods.join(", ") ?? ""],
  ] as const;
  const stages = run.stages.map(({ name, total, done, running, queued, failed }) => [
    name,
    ...[total, done, running, queued, failed].map(String),
  ]);
  const table = columns(["stage", "all", "done", "running", "queued", "failed"], stages, widthOf(stream));
  return `${factLines(stream, known)}${stages.length > 0 ? `\n${table}` : ""}`;
}

/** `ratatouille runs watch ID`: shows a run until it ends. */
export async function watchRun(
  id: string,
  options: GlobalOptions & { readonly quiet?: boolean },
  context: CommandContext,
): Promise<number> {
  const target = await useTarget(context, options, "look");
  await findRun(id, target.channel.client(RecyclingService), context.signal);
  const display = createDisplay(options.json ? context.stdout : context.stderr, displayMode(context.stderr, options), {
    notes: context.stderr,
  });
  context.stack.defer(() => display.close());
  const { channel, embedded } = target;
  await follow(id, { channel, display, signal: context.signal, embedded });
  return 0;
}

/** `ratatouille runs cancel ID`: stops a run; what it has made stays. */
export async function cancelRun(id: string, options: GlobalOptions, context: CommandContext): Promise<number> {
  const recycling = (await useTarget(context, options)).channel.client(RecyclingService);
  await findRun(id, recycling, context.signal);
  const { run } = await recycling.cancelRun({ id }, { signal: context.signal });
  if (options.json && run) context.stdout.write(`${JSON.stringify(toJson(RunSchema, run))}\n`);
  else writeWrapped(context.stdout, `Cancelled ${id}. What it has made stays; the same run file goes on from there.\n`);
  return 0;
}

/** `ratatouille runs delete ID`: forgets a run, which garbage collection takes note of. */
export async function deleteRun(id: string, options: GlobalOptions, context: CommandContext): Promise<number> {
  const recycling = (await useTarget(context, options)).channel.client(RecyclingService);
  await findRun(id, recycling, context.signal);
  await recycling.deleteRun({ id }, { signal: context.signal });
  if (options.json) context.stdout.write(`${JSON.stringify({ deleted: id })}\n`);
  else writeWrapped(context.stdout, `Deleted ${id}. ratatouille gc deletes what nothing else needs.\n`);
  return 0;
}
