import { type BackendName, evaluationArithmetics, type Json } from "#libs/recipes";
import type { Node, Source, StageName, Template } from "../template.ts";
import type { FoundationPlan } from "./foundation.ts";
import type { CompleteSpec } from "./specification.ts";
import { forwardWork } from "./work.ts";

/** Classes of the target task: the ten digits. */
export const CLASSES = 10;
/** Rows of a held-out domain and of the validation data together, about; only the estimate of the rest depends on it. */
const EVALUATED_ROWS = 720;

/** One seed with one held-out domain, while its graph is being made. */
export type CellBuilder = {
  readonly spec: CompleteSpec;
  readonly arithmetic: string;
  readonly foundation: FoundationPlan;
  /** sub(run seed, 300 + index of the held-out domain). */
  readonly cellSeed: number;
  /** Data sets of the training domains. */
  readonly training: readonly Source[];
  /** Adds a node and returns its id. */
  add(node: {
    readonly id: string;
    readonly stage: StageName;
    readonly label?: string;
    readonly template: Template;
    readonly work: number;
    readonly expendable?: boolean;
  }): string;
  /** Adds a measurement. `on` says which data it sees: what selects must not see the held-out domain. */
  evaluate(evaluation: {
    readonly id: string;
    readonly models: readonly Source[];
    readonly parameters: { readonly [name: string]: Json };
    readonly on: readonly ("heldOut" | "validation")[];
    /** Passes over the data, for the estimate. */
    readonly passes: number;
    readonly scoresOf?: readonly string[];
    readonly expendable?: boolean;
  }): string;
};

/** Starts the graph of one cell; nodes are appended to `nodes`. */
export function buildCell(
  cell: Omit<CellBuilder, "add" | "evaluate"> & { readonly prefix: string; readonly shown: string; readonly heldOut: Source },
  nodes: Node[],
): CellBuilder {
  const { spec, training, heldOut, prefix, shown } = cell;
  const add: CellBuilder["add"] = ({ id, label = id.replaceAll("/", " "), expendable = false, ...node }) => {
    nodes.push({ id: `${prefix}/${id}`, label: `${shown} · ${label}`, expendable, ...node });
    return `${prefix}/${id}`;
  };
  const hidden = spec.foundation.hidden;
  return {
    ...cell,
    add,
    evaluate: ({ id, models, parameters, on, passes, scoresOf, expendable = false }) =>
      add({
        id,
        stage: "evaluation",
        template: {
          kind: "evaluate",
          inputs: {
            models,
            ...(on.includes("heldOut") ? { heldOut } : {}),
            ...(on.includes("validation") ? { validation: training } : {}),
          },
          parameters: { validationFraction: spec.target.validationFraction, ...parameters },
          ...(scoresOf ? { scoresOf } : {}),
          arithmetic: evaluationArithmetics[spec.backend as BackendName],
        },
        work: passes * EVALUATED_ROWS * forwardWork(hidden, CLASSES),
        expendable,
      }),
  };
}
