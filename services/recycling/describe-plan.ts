import { digestOf, type Json, type Recipe } from "#libs/recipes";
import type { RunSpec } from "#proto/ratatouille/v1/recycling_pb.ts";
import { ANY_ENGINE, AUTO } from "./plan/choose-engine.ts";
import { planRun } from "./plan/planners.ts";
import { stages, type Template } from "./plan/template.ts";

/** A training of a run before anything of it has run. */
export type PlannedTraining = {
  readonly label: string;
  readonly stage: string;
  /** Which of the sets of members it belongs to; absent of trainings of other stages. */
  readonly set?: string;
  /** In multiply-adds. */
  readonly work: number;
  readonly steps: number;
  /** Before `steps`, of the head alone. */
  readonly headOnlySteps: number;
  /** Pictures of each domain and step, and of how many domains. */
  readonly batch: number;
  readonly domains: number;
  readonly learningRate: number;
  readonly dropout: number;
  readonly weightDecay: number;
  readonly seed: number;
  /** What is going to run, with digests of nothing as its inputs: for whoever estimates what it needs. */
  readonly recipe: Recipe;
};

/** What a run is going to do. */
export type PlanDescription = {
  /** In the order in which a run goes through them. `work` in multiply-adds. */
  readonly stages: readonly { readonly name: string; readonly jobs: number; readonly work: number }[];
  readonly trainings: readonly PlannedTraining[];
  /** Models that are made: trainings and averages. */
  readonly models: number;
};

/**
 * What a run of a specification is going to do, without a system. The engine need not be chosen yet.
 * @throws RpcError INVALID_ARGUMENT with one violation for each wrong field.
 */
export function describePlan(spec: RunSpec): PlanDescription {
  const { nodes } = planRun(spec.backend === AUTO ? { ...spec, backend: ANY_ENGINE } : spec);
  return {
    stages: stages.flatMap((name) => {
      const own = nodes.filter(({ stage }) => stage === name);
      return own.length > 0 ? [{ name, jobs: own.length, work: own.reduce((sum, { work }) => sum + work, 0) }] : [];
    }),
    trainings: nodes.flatMap(({ id, label, stage, work, template }) => {
      const { inputs, parameters, seed } = template;
      const { steps, batch } = parameters;
      if (typeof steps !== "number" || typeof batch !== "number") return [];
      const optimiser = (parameters["optimiser"] ?? parameters) as { readonly [name: string]: Json };
      const domains = (parameters["domains"] ?? inputs["datasets"] ?? []) as readonly unknown[];
      return [
        {
          ...{ label, stage, ...setOf(stage, id), work, steps, batch, domains: domains.length, seed: seed ?? 0 },
          headOnlySteps: numberOf(parameters["headOnlySteps"]),
          learningRate: numberOf(optimiser["learningRate"]),
          dropout: numberOf(parameters["dropout"]),
          weightDecay: numberOf(optimiser["weightDecay"]),
          recipe: recipeOf(template),
        },
      ];
    }),
    models: nodes.filter(({ template: { kind, parameters } }) => kind === "average" || typeof parameters["steps"] === "number").length,
  };
}

/** Members are called by their set and their number in it: "0/1/recycled/3". */
function setOf(stage: string, id: string): { readonly set?: string } {
  const set = id.split("/").at(-2);
  return stage === "fine-tuning" && set !== undefined ? { set } : {};
}

function numberOf(value: Json | undefined): number {
  return typeof value === "number" ? value : 0;
}

function recipeOf({ kind, inputs, parameters, seed, arithmetic }: Template): Recipe {
  const nothing = digestOf("nothing yet");
  const entries = Object.entries(inputs).map(
    ([role, source]) => [role, Array.isArray(source) ? source.map(() => nothing) : nothing] as const,
  );
  return {
    ...{ kind, inputs: Object.fromEntries(entries), parameters },
    ...(seed === undefined ? {} : { seed }),
    ...(arithmetic === undefined ? {} : { arithmetic }),
  };
}
