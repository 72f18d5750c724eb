import { columnsOf, pad, remaining, wholeSeconds } from "#libs/text";
import { RunState, type Stage } from "#proto/ratatouille/v1/recycling_pb.ts";
import { type Line, type Span, span } from "./line.ts";
import { hasBegun, isOver, jobFacts, missingSentence, type Progress, totals } from "./progress.ts";

/** Columns and rows of the terminal. */
export type Size = { readonly columns: number; readonly rows: number };

/** The whole picture of a run: a head, a line for each stage, for what no trainer has, and for each running job. Never more lines than the terminal has. */
export function liveView(progress: Progress, { columns, rows }: Size): Line[] {
  const names = Math.max(0, ...progress.stages.map(({ name }) => columnsOf(name)));
  const bar = Math.max(6, Math.min(32, columns - names - 44));
  const missing = progress.missing.map((what): Line => [span(`  ! ${missingSentence(what)}`, "yellow")]);
  const stages = progress.stages.map((stage) => stageLine(stage, names, bar));
  const top = [head(progress), [], ...stages, ...(missing.length > 0 ? [[], ...missing] : [])];
  const room = Math.max(0, rows - 1 - top.length - 1);
  const trainers = Math.max(0, ...progress.running.map(({ trainer }) => columnsOf(trainer)));
  const jobs = progress.running.map(
    (job): Line => [
      span(`  ${pad(job.trainer, trainers)}  `, "dim"),
      span(job.label),
      ...jobFacts(job).flatMap((fact): Span[] => [span("  "), span(fact, "dim")]),
    ],
  );
  const shown =
    jobs.length <= room
      ? jobs
      : [...jobs.slice(0, Math.max(0, room - 1)), [span(`  and ${jobs.length - Math.max(0, room - 1)} more`, "dim")]];
  const picture = [...top, ...(shown.length > 0 && room > 0 ? [[], ...shown] : [])];
  return picture.slice(0, Math.max(1, rows - 1));
}

function head({ name, state, error, workedMs, stages, remainingSeconds }: Progress): Line {
  const { total, done, failed } = totals(stages);
  const time = workedMs > 0 ? wholeSeconds(workedMs / 1000) : "";
  const parts = [`${done}/${total} done`, ...(failed > 0 ? [`${failed} failed`] : []), ...(time === "" ? [] : [time])];
  const rest = parts.map((part) => span(` · ${part}`, "dim"));
  switch (state) {
    case RunState.SUCCEEDED:
      return [span(name, "bold"), span(" · finished", "green"), ...rest];
    case RunState.FAILED:
      return [span(name, "bold"), span(` · failed: ${error}`, "red")];
    case RunState.CANCELLED:
      return [span(name, "bold"), span(" · cancelled", "yellow"), ...rest];
    default:
      return [span(name, "bold"), ...rest, ...(remainingSeconds === undefined ? [] : [span(` · ${remaining(remainingSeconds)}`)])];
  }
}

function stageLine(stage: Stage, names: number, bar: number): Line {
  const { name, total, done, running, queued, failed, cached } = stage;
  const mark =
    failed > 0 ? span("✗", "red") : isOver(stage) ? span("✓", "green") : hasBegun(stage) ? span("●", "yellow") : span("○", "dim");
  const facts = [
    ...(running > 0 ? [`${running} running`] : []),
    ...(queued > 0 ? [`${queued} queued`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(cached > 0 ? [`${cached} from the catalog`] : []),
  ];
  return [
    span("  "),
    mark,
    span(` ${pad(name, names)}  `, hasBegun(stage) || isOver(stage) ? undefined : "dim"),
    ...barSpans({ total, done, running, failed }, bar),
    span(`  ${String(done).padStart(String(total).length)}/${total}`.padEnd(11)),
    span(facts.join(" · "), "dim"),
  ];
}

/** Done, failed, running and the rest, in proportion; what there is of something shows as at least one cell where there is room. */
function barSpans(
  { total, done, running, failed }: { total: number; done: number; running: number; failed: number },
  width: number,
): Span[] {
  const cells = (count: number) => (total === 0 ? 0 : Math.floor((width * count) / total));
  const full = total === 0 ? width : cells(done);
  const broken = Math.min(width - full, failed > 0 ? Math.max(1, cells(failed)) : 0);
  const busy = Math.min(width - full - broken, running > 0 ? Math.max(1, cells(running)) : 0);
  return [
    span("█".repeat(full), "green"),
    span("█".repeat(broken), "red"),
    span("▒".repeat(busy), "yellow"),
    span("·".repeat(width - full - broken - busy), "dim"),
  ];
}
