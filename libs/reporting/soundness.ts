import { methodTexts } from "./methods.ts";
import type { Report } from "./report.ts";
import { counted, points } from "./words.ts";

/** Of what separates chance from perfection, a model that has reached less than this share has learned nothing that counts. */
const SKILL = 0.05;

/**
 * What makes a run's comparisons worthless, most important first; nothing for a sound run. Where every fine-tuning is at chance on the
 * held-out domain, differences between methods are noise; where the frozen foundation with a new head beats everything, fine-tuning
 * does harm, and how its results compare says little about recycling. `comparable`: whether comparing says anything at all.
 */
export function warnings(facts: Pick<Report, "task" | "cells" | "table">): {
  readonly texts: readonly string[];
  readonly comparable: boolean;
} {
  const nothing = learnedNothing(facts);
  return { texts: [...nothing, ...probeAhead(facts)], comparable: nothing.length === 0 };
}

/**
 * Whether an accuracy is no better than guessing among so many classes. With few classes it is the share of what could be won over
 * guessing that counts (below 52.5 % of two, 14.5 % of ten), with many that it is not even twice as good (below 0.58 % of 345).
 * @example
 * ```ts
 * atChance(0.52, 2); // true
 * atChance(0.15, 10); // false
 * ```
 */
export function atChance(accuracy: number, classes: number): boolean {
  const chance = 1 / classes;
  return (accuracy - chance) / (1 - chance) < SKILL && accuracy < 2 * chance;
}

function learnedNothing({ task, cells }: Pick<Report, "task" | "cells">): string[] {
  const { classes } = task;
  const members = cells.flatMap((cell) => cell.members);
  if (classes === undefined || members.length === 0) return [];
  if (!members.every(({ accuracy }) => atChance(accuracy, classes))) return [];
  const best = Math.max(...members.map(({ accuracy }) => accuracy));
  const trained = members.some(({ validationAccuracy }) => !atChance(validationAccuracy, classes));
  const where = trained ? "on the held-out domain, though not on validation data" : "on the held-out domain and on validation data";
  return [
    `every fine-tuning is at chance ${where}: the best has ${points(best)} %, guessing among ${counted(classes, "class", "classes")} gives ${points(1 / classes)} %. These numbers compare nothing. Learning rates, steps, labels and the order of the files are the first things to look at`,
  ];
}

function probeAhead({ table }: Pick<Report, "table">): string[] {
  const probe = table.find(({ method }) => method === "linear-probe")?.mean;
  const others = table.flatMap(({ method, mean }) => (method === "linear-probe" || mean === null ? [] : [{ method, mean }]));
  const [best] = others.sort((a, b) => b.mean - a.mean);
  if (probe === undefined || probe === null || best === undefined || probe <= best.mean) return [];
  return [
    `a linear probe of the frozen foundation beats every fine-tuning and every average: ${points(probe)} % against ${points(best.mean)} % of ${methodTexts[best.method].noun}. Fine-tuning does harm here, so that nothing follows about recycling; try a lower learning rate, fewer steps, or a foundation with more to gain`,
  ];
}
