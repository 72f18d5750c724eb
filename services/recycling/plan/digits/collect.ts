import type { EvaluationResult, Score } from "#libs/recipes";
import type { Cell, Member } from "#libs/reporting";
import type { Outcomes } from "../outcome.ts";
import type { ReadCurve } from "../planner.ts";
import type { CellPlan } from "./cell.ts";
import type { SetPlan } from "./set.ts";

type Measure = EvaluationResult["measure"];
type ResultOf<M extends Measure> = Extract<EvaluationResult, { measure: M }>;

/** Collects what the report says of each cell, from the outcomes of a run and its training curves. */
export function collectCells(cells: readonly CellPlan[], outcomes: Outcomes, readCurve: ReadCurve): Promise<Cell[]> {
  return Promise.all(cells.map((cell) => collectCell(cell, outcomes, readCurve)));
}

async function collectCell(plan: CellPlan, outcomes: Outcomes, readCurve: ReadCurve): Promise<Cell> {
  const members = await Promise.all(plan.sets.map((set) => collectMembers(set, outcomes, readCurve)));
  const analysed = plan.sets.map((set) => ({ set: set.name, ...analyse(set, outcomes) }));
  return {
    seed: plan.seed,
    heldOut: plan.heldOut,
    members: members.flat(),
    failed: plan.sets.flatMap(({ name, members }) =>
      members.flatMap(({ node, index }) => {
        const outcome = outcomes.get(node);
        return outcome?.state === "failed" ? [{ set: name, index, error: outcome.error }] : [];
      }),
    ),
    averages: [...collectAverages(plan, outcomes), ...collectEnsembles(plan, outcomes)],
    greedy: plan.sets.flatMap((set) => {
      const result = resultOf(set.greedy, "greedy", outcomes);
      const survivors = survivorsOf(set, outcomes);
      return result ? [{ set: set.name, selected: result.selected.map((i) => survivors[i]?.index ?? i) }] : [];
    }),
    barriers: analysed.flatMap(({ barriers }) => barriers),
    diversity: analysed.flatMap(({ diversity }) => diversity),
    interpolations: analysed.flatMap(({ interpolations }) => interpolations),
  };
}

function resultOf<M extends Measure>(node: string | undefined, measure: M, outcomes: Outcomes): ResultOf<M> | undefined {
  const outcome = node === undefined ? undefined : outcomes.get(node);
  const result = outcome?.state === "done" ? outcome.result : undefined;
  return result?.measure === measure ? (result as ResultOf<M>) : undefined;
}

/** Members that did not fail: evaluations count in their order. */
function survivorsOf({ members }: SetPlan, outcomes: Outcomes): SetPlan["members"] {
  return members.filter(({ node }) => outcomes.get(node)?.state === "done");
}

const accuracyOf = (score: Score | undefined) => (score ? score.correct / score.count : 0);

async function collectMembers(set: SetPlan, outcomes: Outcomes, readCurve: ReadCurve): Promise<Member[]> {
  const scores = resultOf(set.accuracy, "accuracy", outcomes)?.models ?? [];
  return Promise.all(
    survivorsOf(set, outcomes).map(async ({ node, index, initialisation, learningRate, dropout, weightDecay }, i) => {
      const outcome = outcomes.get(node);
      if (outcome?.state !== "done") throw new Error(`${node} is no survivor`);
      const { bestStep = 0, validationAccuracy = 0, curve } = outcome.trained ?? {};
      return {
        set: set.name,
        index,
        initialisation,
        learningRate,
        dropout,
        weightDecay,
        bestStep,
        validationAccuracy,
        accuracy: accuracyOf(scores[i]?.heldOut),
        model: outcome.digest,
        curve: await readCurve(curve),
      };
    }),
  );
}

function collectAverages(plan: CellPlan, outcomes: Outcomes): Cell["averages"][number][] {
  const scores = resultOf(plan.averagesAccuracy, "accuracy", outcomes)?.models ?? [];
  return plan.averages.flatMap(({ method, node, set, greedy }, i) => {
    const outcome = outcomes.get(node);
    if (outcome?.state !== "done") return [];
    const survivors = survivorsOf(plan.sets.find(({ name }) => name === set) ?? { ...NO_SET, name: "recycled" }, outcomes);
    const selected = resultOf(greedy, "greedy", outcomes)?.selected.length;
    return [
      {
        method,
        accuracy: accuracyOf(scores[i]?.heldOut),
        validationAccuracy: accuracyOf(scores[i]?.validation),
        model: outcome.digest,
        members: selected ?? Math.max(survivors.length, 1),
      },
    ];
  });
}

const NO_SET = { members: [], accuracy: "" };

function collectEnsembles({ sets }: CellPlan, outcomes: Outcomes): Cell["averages"][number][] {
  return sets.flatMap((set) => {
    const result = resultOf(set.ensemble, "ensemble", outcomes);
    if (!result) return [];
    const { correct, count } = result.heldOut;
    return [{ method: "recycling-ensemble" as const, accuracy: correct / count, members: survivorsOf(set, outcomes).length }];
  });
}

function analyse(set: SetPlan, outcomes: Outcomes): Pick<Cell, "barriers" | "diversity" | "interpolations"> {
  const { name } = set;
  const barriers = resultOf(set.barriers, "barriers", outcomes)?.summary;
  const diversity = resultOf(set.diversity, "diversity", outcomes);
  const survivors = survivorsOf(set, outcomes);
  const domains = [
    ["id-validation", barriers?.validation],
    ["held-out", barriers?.heldOut],
  ] as const;
  return {
    barriers: domains.flatMap(([domain, summary]) =>
      summary ? [{ set: name, domain, mean: summary.meanAccuracy, max: summary.maxAccuracy, meanLoss: summary.meanLoss }] : [],
    ),
    diversity: diversity ? [{ set: name, ratioError: diversity.ratioError, pairs: diversity.pairs }] : [],
    interpolations: (resultOf(set.interpolation, "interpolation", outcomes)?.curves ?? []).map(
      ({ pair, lambdas, heldOut, validation }) => ({
        set: name,
        pair: [survivors[pair[0]]?.index ?? pair[0], survivors[pair[1]]?.index ?? pair[1]] as const,
        lambdas,
        heldOut: heldOut ?? [],
        validation: validation ?? [],
      }),
    ),
  };
}
