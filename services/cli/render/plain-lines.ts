import { counted, remaining } from "#libs/text";
import { JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
import { hasBegun, isOver, jobFacts, type Progress, totals } from "./progress.ts";

/** Between two lines that tell no change of a stage: five seconds at first, a minute where a run takes an hour and more. */
const SHORTEST_MS = 5000;
const LONGEST_MS = 60_000;
const SHARE = 1 / 60;

/** What has been said. */
export type Said = {
  readonly begun: ReadonlySet<string>;
  readonly over: ReadonlySet<string>;
  readonly atMs: number;
  /** When the first line was said. */
  readonly openedMs: number | undefined;
  readonly state: RunState | undefined;
};

/** Nothing has been said yet. */
export const silence: Said = { begun: new Set(), over: new Set(), atMs: Number.NEGATIVE_INFINITY, openedMs: undefined, state: undefined };

/** The lines that a message is worth where there is no terminal: changes of stages at once, progress every few seconds. */
export function plainLines(said: Said, progress: Progress, nowMs: number): { readonly lines: readonly string[]; readonly said: Said } {
  const { name, id, stages, state, ended } = progress;
  const { total, done, cached } = totals(stages);
  const opening =
    said.state === undefined ? [`${name} (${id}): ${counted(total, "job")}${cached > 0 ? `, ${cached} already in the catalog` : ""}`] : [];
  const begun = stages.filter((stage) => hasBegun(stage) && !isOver(stage) && !said.begun.has(stage.name));
  const over = stages.filter((stage) => isOver(stage) && stage.total > 0 && !said.over.has(stage.name));
  const failures = ended.filter((job) => job.state === JobState.FAILED).map((job) => `failed: ${job.label}: ${job.error}`);
  const finished = state === RunState.SUCCEEDED || state === RunState.FAILED || state === RunState.CANCELLED;
  const changes = [
    ...over.map((stage) => `${stage.name}: ${stage.done} of ${stage.total} done${stage.failed > 0 ? `, ${stage.failed} failed` : ""}`),
    ...begun.map((stage) => `${stage.name}: ${counted(stage.total, "job")}`),
  ];
  const openedMs = said.openedMs ?? nowMs;
  const pauseMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, SHARE * (nowMs - openedMs)));
  const due = !finished && changes.length === 0 && opening.length === 0 && nowMs - said.atMs >= pauseMs;
  const closing = finished && state !== said.state ? [ending(progress, done, total)] : [];
  const lines = [...opening, ...failures, ...changes, ...(due ? [standing(progress)] : []), ...closing].map((line) =>
    line.replace(/\p{Cc}/gu, " "),
  );
  return {
    lines,
    said: {
      begun: new Set([...said.begun, ...begun.map((stage) => stage.name)]),
      over: new Set([...said.over, ...over.map((stage) => stage.name)]),
      atMs: lines.length > 0 ? nowMs : said.atMs,
      openedMs,
      state,
    },
  };
}

function standing({ stages, running, remainingSeconds }: Progress): string {
  const active = stages.filter((stage) => hasBegun(stage) && !isOver(stage));
  const counts = active.map(
    ({ name, done, total, running: busy, queued }) => `${name} ${done}/${total} (${busy} running, ${queued} queued)`,
  );
  const job = running[0];
  const facts = job === undefined ? [] : jobFacts(job);
  const detail = job === undefined ? [] : [facts.length > 0 ? `${job.label}: ${facts.join(" ")}` : job.label];
  const parts = [...counts, ...detail, ...(remainingSeconds === undefined ? [] : [remaining(remainingSeconds)])];
  const { total, done } = totals(stages);
  return parts.length > 0 ? parts.join("; ") : `waiting: ${done} of ${counted(total, "job")} done`;
}

/** The command itself says why a run failed. */
function ending({ state }: Progress, done: number, total: number): string {
  const how = state === RunState.SUCCEEDED ? "finished" : state === RunState.FAILED ? "failed" : "cancelled";
  return `${how}: ${done} of ${counted(total, "job")} done`;
}
