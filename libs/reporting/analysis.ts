import { EQUAL } from "./differences.ts";
import { type Method, methods } from "./methods.ts";
import type { Analysis, BarrierDomain, Cell, SetName } from "./report.ts";
import { memberMean } from "./results.ts";
import { estimate, mean, perSeedMeans } from "./statistics.ts";

const sets: readonly SetName[] = ["soup", "recycled", "fused"];
const barrierDomains: readonly BarrierDomain[] = ["id-validation", "held-out"];
const averageOf = { soup: "soup", recycled: "recycling", fused: undefined } as const;

/** What the cells say about why averaging works: barriers, diversity, members against their average. */
export function analyse(cells: readonly Cell[], domains: readonly string[]): Analysis {
  return {
    barriers: sets.flatMap((set) => barrierDomains.flatMap((domain) => barrier(cells, set, domain, domains) ?? [])),
    diversity: sets.flatMap((set) => {
      const values = cells.flatMap((cell) =>
        cell.diversity.filter((entry) => entry.set === set).map((entry) => ({ ...place(cell), value: entry.ratioError })),
      );
      const over = estimate(perSeedMeans(values, domains));
      return over === null ? [] : [{ set, ratioError: over.mean, sem: over.sem }];
    }),
    diversityGap: diversityGap(cells, domains),
    aboveMemberMean: aboveMemberMean(cells, domains),
    calibration: methods.flatMap((method) => calibration(cells, method, domains) ?? []),
    validation: sets.flatMap((set) => validation(cells, set) ?? []),
  };
}

function barrier(
  cells: readonly Cell[],
  set: SetName,
  domain: BarrierDomain,
  domains: readonly string[],
): Analysis["barriers"][number] | null {
  const entries = cells.flatMap((cell) =>
    cell.barriers.filter((entry) => entry.set === set && entry.domain === domain).map((entry) => ({ ...place(cell), entry })),
  );
  const means = perSeedMeans(
    entries.map(({ entry, ...at }) => ({ ...at, value: entry.mean })),
    domains,
  );
  const over = estimate(means);
  if (over === null) return null;
  return {
    set,
    domain,
    mean: over.mean,
    sem: over.sem,
    seeds: means.length,
    max: Math.max(...entries.map(({ entry }) => entry.max)),
    meanLoss: mean(entries.map(({ entry }) => entry.meanLoss)),
  };
}

function diversityGap(cells: readonly Cell[], domains: readonly string[]): Analysis["diversityGap"] {
  const gaps = cells.flatMap((cell) => {
    const of = (set: SetName) => cell.diversity.find((entry) => entry.set === set)?.ratioError;
    const [recycled, soup] = [of("recycled"), of("soup")];
    return recycled === undefined || soup === undefined ? [] : [{ ...place(cell), value: recycled - soup }];
  });
  const means = perSeedMeans(gaps, domains);
  const over = estimate(means);
  return over && { ...over, seeds: means.length };
}

function aboveMemberMean(cells: readonly Cell[], domains: readonly string[]): Analysis["aboveMemberMean"] {
  const both = cells.flatMap((cell) => {
    const members = memberMean(cell, "recycled");
    const average = cell.averages.find(({ method }) => method === "recycling")?.accuracy;
    return members === undefined || average === undefined ? [] : [{ ...place(cell), members, average, value: average - members }];
  });
  const over = (value: (cell: (typeof both)[number]) => number) => (both.length === 0 ? null : mean(both.map(value)));
  return {
    above: both.filter(({ value }) => value > EQUAL).length,
    cells: both.length,
    average: over(({ average }) => average),
    members: over(({ members }) => members),
    gain: estimate(perSeedMeans(both, domains)),
  };
}

function calibration(cells: readonly Cell[], method: Method, domains: readonly string[]): Analysis["calibration"][number] | null {
  const of = (measure: "ece" | "brier") => {
    const values = cells.flatMap((cell) => {
      const value = cell.averages.find((average) => average.method === method)?.calibration?.[measure];
      return value === undefined ? [] : [{ ...place(cell), value }];
    });
    return estimate(perSeedMeans(values, domains));
  };
  const [ece, brier] = [of("ece"), of("brier")];
  return ece && brier && { method, ece, brier };
}

function validation(cells: readonly Cell[], set: SetName): Analysis["validation"][number] | null {
  const members = cells.flatMap((cell) => cell.members.filter((member) => member.set === set));
  if (members.length === 0) return null;
  const averages = cells.flatMap((cell) =>
    cell.averages.flatMap((average) =>
      average.method === averageOf[set] && average.validationAccuracy !== undefined ? [average.validationAccuracy] : [],
    ),
  );
  return {
    set,
    memberMean: mean(members.map((member) => member.validationAccuracy)),
    average: averages.length === 0 ? null : mean(averages),
  };
}

function place(cell: Cell): { seed: number; heldOut: string } {
  return { seed: cell.seed, heldOut: cell.heldOut };
}
