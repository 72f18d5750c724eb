import type { Digest, TrainingCurve } from "#libs/recipes";
import type { Cell, Task } from "#libs/reporting";
import { invalidArgument } from "#libs/rpc";
import type { RunSpec } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { Outcomes } from "./outcome.ts";
import type { Node } from "./template.ts";

/** A field of a specification and what is wrong with it. */
export type Violation = { readonly field: string; readonly description: string };

/** Reads a training curve from the catalog; an empty one where there is none. */
export type ReadCurve = (digest: Digest | undefined) => Promise<TrainingCurve>;

/** The model that a cell (one seed, one held-out domain) is about: the average of its recycled members. */
export type RecycledModel = { readonly seed: number; readonly heldOut: string; readonly node: string };

/** What models have learned from before they meet the target: data sets of the run, by their nodes, and models that were ready. */
export type Lessons = {
  /** The node of the target's data set. */
  readonly target: string;
  readonly seen: readonly ({ readonly label: string } & ({ readonly node: string } | { readonly model: Digest }))[];
  /** Share of the target's items that nothing may have learned; 0 where all pictures of the training domains are for training. */
  readonly heldOutItems: number;
  /** Whether the run goes on where something was learned of what it is tested on: then it is only told of. */
  readonly allowed: boolean;
};

/** The graph of a run, and all that the rest of the service needs to know of what kind of run it is. */
export type Plan = {
  /** Every node comes after those it needs. */
  readonly nodes: readonly Node[];
  /** Artifacts that go in and that no node makes, each with what is said of it where it is missing: "the source sha256:… of the target". */
  readonly sources: readonly { readonly digest: Digest; readonly name: string }[];
  /** What must not hold pictures of the target; absent where nothing can. */
  readonly lessons?: Lessons;
  /** Where items are held out: the node of the data set, and their share. */
  readonly heldOutItems?: { readonly data: string; readonly share: number };
  /** What the report says of the task. */
  readonly task: Task;
  /** The models that get names, one for each cell where the run asks for one. */
  readonly recycled: readonly RecycledModel[];
  /** Finds the numbers of each cell in what became of the nodes. */
  collect(outcomes: Outcomes, readCurve: ReadCurve): Promise<Cell[]>;
};

/**
 * Plans one kind of run. A new kind is a folder beside `digits` with one of these, and a line in `planners.ts`: driving, pins, progress,
 * refs and reports know nothing else of it.
 */
export type Planner = {
  /** Everything that is wrong with a specification; nothing if it can be planned. */
  check(spec: RunSpec): readonly Violation[];
  /** The graph of a specification in which nothing is wrong. Pure: the same specification always gives the same graph. */
  plan(spec: RunSpec): Plan;
};

/** Throws what is wrong with a specification. @throws RpcError INVALID_ARGUMENT with one violation for each wrong field. */
export function throwViolations(violations: readonly Violation[]): void {
  const [first] = violations;
  if (first === undefined) return;
  throw invalidArgument(`${first.field}: ${first.description}`, { reason: "SPECIFICATION_INVALID", violations: [...violations] });
}
