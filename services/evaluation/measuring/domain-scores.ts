import type { PredictionScore, Score } from "#libs/recipes";

/** Sums of scores by domain. */
export type ScoreTally = {
  /** One row: its domain, whether the answer is right, and its cross-entropy in nats. */
  add(domain: number, right: boolean, loss: number): void;
  result(): PredictionScore;
};

/** A tally of nothing. Losses are summed in the order of the rows, each domain for itself. */
export function createScoreTally(domains: readonly string[]): ScoreTally {
  const sums = domains.map(() => ({ correct: 0, count: 0, loss: 0 }));
  return {
    add(domain, right, loss) {
      const sum = sums[domain]!;
      sum.count += 1;
      if (right) sum.correct += 1;
      sum.loss += loss;
    },
    result() {
      const all = sums.map((sum, i) => ({ domain: domains[i]!, ...scoreOf([sum]) }));
      const found = all.filter(({ count }) => count > 0);
      const mean = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0) / numbers.length;
      return {
        ...scoreOf(sums),
        domains: all,
        mean: { accuracy: mean(found.map(({ correct, count }) => correct / count)), loss: mean(found.map(({ loss }) => loss)) },
      };
    },
  };
}

function scoreOf(sums: readonly Score[]): Score {
  const total = { correct: 0, count: 0, loss: 0 };
  for (const { correct, count, loss } of sums) {
    total.correct += correct;
    total.count += count;
    total.loss += loss;
  }
  return { ...total, loss: total.count === 0 ? 0 : total.loss / total.count };
}
