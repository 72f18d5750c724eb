import { bytes, remaining } from "#libs/text";
import type { PlanDescription, PlannedTraining } from "../../../recycling/index.ts";

/**
 * A row for each stage, of trainings of members for each set: how many jobs, their steps and images, how long they take, what is stored.
 * @param options.perSecond multiply-adds; undefined where only trainers know the network. @param options.thing "images", or "records"
 */
export function planTable(
  { stages, trainings }: PlanDescription,
  {
    perSecond,
    modelBytes,
    thing,
  }: { readonly perSecond: number | undefined; readonly modelBytes: number | undefined; readonly thing: string },
): { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] } {
  const costs = (work: number, models: number) => [
    ...(perSecond === undefined ? [] : [timeOf(work / perSecond)]),
    modelBytes === undefined || models === 0 ? "" : bytes(models * modelBytes),
  ];
  const rows = stages.flatMap(({ name, jobs, work }) => {
    const own = Map.groupBy(
      trainings.filter(({ stage }) => stage === name),
      ({ set }) => set,
    );
    if (own.size === 0) return [[name, String(jobs), "", "", ...costs(work, name === "averaging" ? jobs : 0)]];
    return [...own].map(([set, all]) => [
      set === undefined ? name : `${name}: ${set}`,
      String(all.length),
      distinct(all.map(stepsOf)),
      distinct(all.map(imagesOf)),
      ...costs(
        all.reduce((sum, each) => sum + each.work, 0),
        all.length,
      ),
    ]);
  });
  // Of digits nothing is known of models.
  const known = modelBytes === undefined ? -1 : undefined;
  return {
    head: ["stage", "jobs", "steps", thing, ...(perSecond === undefined ? [] : ["time"]), "models"].slice(0, known),
    rows: rows.map((row) => row.slice(0, known)),
  };
}

/** A row for each training, with its numbers. */
export function trainingsTable(trainings: PlanDescription["trainings"], thing: string): ReturnType<typeof planTable> {
  return {
    head: ["training", "steps", thing, "rate", "decay", "dropout", "seed"],
    rows: trainings.map((each) => [
      each.label,
      stepsOf(each),
      imagesOf(each),
      ...[each.learningRate, each.weightDecay, each.dropout, each.seed].map(String),
    ]),
  };
}

/** "about 3 min". */
export function timeOf(seconds: number): string {
  return remaining(seconds).replace(/ left$/, "");
}

function stepsOf({ steps, headOnlySteps }: PlannedTraining): string {
  return headOnlySteps > 0 ? `${headOnlySteps} + ${steps}` : String(steps);
}

function imagesOf({ batch, domains }: PlannedTraining): string {
  return domains > 1 ? `${batch} x ${domains}` : String(batch);
}

function distinct(texts: readonly string[]): string {
  return [...new Set(texts)].join(", ");
}
