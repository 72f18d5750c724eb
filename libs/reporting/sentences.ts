import { type Method, methodTexts } from "./methods.ts";
import type { Analysis, Difference, Report, SetName } from "./report.ts";
import { errorsToDecide, judge, SEEDS_TO_DECIDE, TIE_RESOLUTION } from "./verdict.ts";
import { counted, inWords, list, part, points, sentence, withError } from "./words.ts";

type Facts = Omit<Report, "sentences" | "warnings">;

/** What recycling has to beat to be worth its name. */
const rivals: readonly Method[] = ["linear-probe", "erm", "soup", "inter-training", "fusing"];

/**
 * What the numbers allow to say, in plain English, the most important first. A win, a loss, a tie and "not decided" are said as such;
 * the rules are those of `judge`. `compared`: whether methods are compared at all; `explained`: whether it is said why averaging works,
 * which makes sense only where fine-tuning does.
 */
export function sentences(facts: Facts, { compared = true, explained = true } = {}): string[] {
  return [
    ...(compared
      ? [...againstRivals(facts), ...tooFewSeeds(facts), ...againstEnsemble(facts), ...aboveMembers(facts), ...otherComparisons(facts)]
      : []),
    ...(explained ? [...connectivity(facts), ...diversity(facts)] : []),
    ...failures(facts),
  ].map(sentence);
}

function againstRivals(facts: Facts): string[] {
  const differences = rivals.flatMap((b) => find(facts, "recycling", b) ?? []);
  const judged = (verdict: string) => differences.filter((difference) => judge(difference) === verdict);
  const better = judged("better");
  const worse = judged("worse");
  return [
    ...(better.length > 0 ? [`recycling beats ${margins(better, "won")}`] : []),
    ...(worse.length > 0 ? [`recycling loses to ${margins(worse, "lost")}`] : []),
    ...[...judged("tie"), ...judged("open")].map((difference) => compare(difference)),
    ...onFewSeeds(judged("few-seeds")),
  ];
}

/** "A by 4.6 ± 0.7 points and B by 1.9 ± 0.4, in 34 of 40 cells"; the cells of each in brackets where they differ. */
function margins(differences: readonly Difference[], side: "won" | "lost"): string {
  const same = differences.every((difference) => difference[side] === differences[0]![side] && difference.cells === differences[0]!.cells);
  const items = differences.map((difference, i) => {
    const unit = i === 0 ? " points" : "";
    const cells = same ? "" : ` (${difference[side]} of ${difference.cells}${i === 0 ? " cells" : ""})`;
    return `${methodTexts[difference.b].noun} by ${withError(Math.abs(difference.mean), difference.sem)}${unit}${cells}`;
  });
  return `${list(items)}${same ? `, in ${ofCells(differences[0]![side], differences[0]!.cells)}` : ""}`;
}

/** "on these two seeds recycling is 3.6 points above A (better in 7 of 8 cells) and 1.7 above B (6 of 8)" */
function onFewSeeds(differences: readonly Difference[]): string[] {
  const first = differences[0];
  if (first === undefined) return [];
  const items = differences.map((difference, i) => {
    const { won, cells: all } = difference;
    const cells = i === 0 ? `better in ${ofCells(won, all)}` : `${won} of ${all}`;
    return `${place(difference, i === 0)} ${methodTexts[difference.b].noun} (${cells})`;
  });
  return [`on ${first.seeds === 1 ? "this one seed" : `these ${counted(first.seeds, "seed")}`} recycling is ${list(items)}`];
}

/** "7 of 8 cells". */
function ofCells(some: number, cells: number): string {
  return `${some} of ${cells} ${cells === 1 ? "cell" : "cells"}`;
}

/** "1.9 points above", "level with". */
function place({ mean }: Difference, unit = true): string {
  const size = points(Math.abs(mean));
  return size === "0.0" ? "level with" : `${size}${unit ? " points" : ""} ${mean > 0 ? "above" : "below"}`;
}

function againstEnsemble(facts: Facts): string[] {
  const difference = find(facts, "recycling", "recycling-ensemble");
  if (difference === undefined) return [];
  const members = facts.task.members;
  const ensemble = `the ensemble of its ${counted(members, "member")}`;
  const cost = members > 1 ? `, at ${part(members)} of the cost` : "";
  if (judge(difference) !== "worse") return [`${compare(difference, ensemble)}${cost}`];
  const more = members > 1 ? `, at ${inWords(members)} times the cost` : "";
  return [`${ensemble} beats recycling by ${withError(-difference.mean, difference.sem)} points${more}`];
}

function aboveMembers({ analysis }: Facts): string[] {
  const { above, cells, average, members, gain } = analysis.aboveMemberMean;
  if (average === null || members === null) return [];
  const { mean, sem } = gain ?? { mean: average - members, sem: null };
  const gains = `recycling ${mean < 0 ? "loses" : "gains"} ${withError(Math.abs(mean), sem)} points ${mean < 0 ? "against" : "over"} the mean of the members that it averages`;
  return [`${gains}, ${points(average)} % against ${points(members)} %; it is better in ${ofCells(above, cells)}`];
}

function otherComparisons(facts: Facts): string[] {
  const pairs: readonly (readonly [Method, Method])[] = [
    ["soup", "erm"],
    ["recycling", "recycling-greedy"],
  ];
  return pairs.flatMap(([a, b]) => {
    const difference = find(facts, a, b);
    return difference === undefined ? [] : [compare(difference)];
  });
}

function tooFewSeeds({ name, differences }: Facts): string[] {
  const seeds = Math.max(0, ...differences.map((difference) => difference.seeds));
  if (seeds === 0 || seeds >= SEEDS_TO_DECIDE) return [];
  const advice = name === "digits" ? "examples/digits-full.yaml has ten" : `give the run file ${inWords(SEEDS_TO_DECIDE)} or more`;
  return [`${counted(seeds, "seed")} ${seeds === 1 ? "is" : "are"} too few to decide this: ${advice}`];
}

function connectivity({ analysis }: Facts): string[] {
  const at = (domain: string) => analysis.barriers.find((barrier) => barrier.set === "recycled" && barrier.domain === domain);
  const validation = at("id-validation");
  if (validation === undefined) return [];
  const heldOut = at("held-out");
  const there = heldOut === undefined ? "" : ` and ${lossOrGain(heldOut)} on the held-out domain`;
  return [
    `halfway between two recycled members the network ${lossOrGain(validation, " points of accuracy")} on validation data${there}, compared with the mean of the two: ${basin(validation)}`,
  ];
}

/** "loses 0.3 ± 0.1 points", from a barrier. */
function lossOrGain({ mean, sem }: Pick<Analysis["barriers"][number], "mean" | "sem">, unit = ""): string {
  return `${mean > 0 ? "loses" : "gains"} ${withError(Math.abs(mean), sem)}${unit}`;
}

/** What a barrier on validation data means. Up to one point counts as none; with too few seeds for a margin the mean alone speaks. */
function basin({ mean, sem, seeds }: Analysis["barriers"][number]): string {
  const margin = seeds < SEEDS_TO_DECIDE ? 0 : errorsToDecide(seeds) * (sem ?? 0);
  if (mean + margin <= TIE_RESOLUTION) return "they lie in one basin, so their weights can be averaged";
  if (mean - margin > TIE_RESOLUTION) return "they are too far apart to be averaged without loss";
  return "whether they lie in one basin is not decided";
}

function diversity({ analysis, task }: Facts): string[] {
  const of = (set: SetName) => analysis.diversity.find((entry) => entry.set === set);
  const recycled = of("recycled");
  const soup = of("soup");
  const gap = analysis.diversityGap;
  if (recycled === undefined || soup === undefined || gap === null) return [];
  const text = ({ ratioError, sem }: { ratioError: number; sem: number | null }) =>
    sem === null ? ratioError.toFixed(2) : `${ratioError.toFixed(2)} ± ${sem.toFixed(2)}`;
  const members = "recycled members";
  const numbers = `ratio-error ${text(recycled)} against ${text(soup)}`;
  switch (judge(gap)) {
    case "better":
      return [`${members} err more differently than those of the soup: ${numbers}`];
    case "worse":
      return [`${members} err less differently than those of the soup: ${numbers}`];
    case "few-seeds": {
      const how = gap.mean > 0 ? "more" : "less";
      const seeds = task.seeds.length === 1 ? "this one seed" : `these ${counted(gap.seeds, "seed")}`;
      return [`on ${seeds} ${members} err ${how} differently than those of the soup: ${numbers}`];
    }
    default:
      return [`whether ${members} err more differently than those of the soup is not decided: ${numbers}`];
  }
}

function failures({ cells, task }: Facts): string[] {
  const failed = cells.flatMap((cell) => cell.failed.map((failure) => ({ ...failure, seed: cell.seed, heldOut: cell.heldOut })));
  const first = failed[0];
  if (first === undefined) return [];
  const all = failed.length + cells.reduce((sum, cell) => sum + cell.members.length, 0);
  const were = failed.length === 1 ? "was" : "were";
  const example = `seed ${first.seed}, held out ${first.heldOut}, ${first.set} ${first.index}: ${first.error}`;
  const expected = task.seeds.length * task.heldOut.length;
  const partial = cells.length < expected ? `; ${expected - cells.length} of ${expected} cells have no result` : "";
  return [`${inWords(failed.length)} of ${all} fine-tunings failed and ${were} left out (${example})${partial}`];
}

/** One comparison as a clause, whatever its verdict. `noun` names b otherwise than its text does. */
function compare(difference: Difference, noun = methodTexts[difference.b].noun): string {
  const { a, mean, sem, won, lost, cells, seeds } = difference;
  const subject = methodTexts[a].noun;
  const signed = `${withError(mean, sem, { signed: true })} points`;
  const size = `${withError(Math.abs(mean), sem)} points`;
  switch (judge(difference)) {
    case "better":
      return `${subject} beats ${noun} by ${size}, in ${ofCells(won, cells)}`;
    case "worse":
      return `${subject} loses to ${noun} by ${size}, in ${ofCells(lost, cells)}`;
    case "tie":
      return `${subject} and ${noun}: no difference (${signed})`;
    case "open":
      return `${subject} and ${noun}: not decided (${signed} over ${counted(seeds, "seed")})`;
    case "few-seeds":
      return `${subject} is ${place(difference)} ${noun} (better in ${ofCells(won, cells)})`;
  }
}

function find({ differences }: Facts, a: Method, b: Method): Difference | undefined {
  return differences.find((difference) => difference.a === a && difference.b === b);
}
