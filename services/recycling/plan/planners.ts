import type { RunSpec } from "#proto/ratatouille/v1/recycling_pb.ts";
import { digits } from "./digits/planner.ts";
import { type Plan, type Planner, throwViolations } from "./planner.ts";
import { study } from "./study/planner.ts";

/** The planner of the kind of run that a specification asks for. */
function plannerOf(spec: RunSpec): Planner {
  return spec.study ? study : digits;
}

/** Checks a specification that came over the wire. @throws RpcError INVALID_ARGUMENT with one violation for each wrong field. */
export function checkRun(spec: RunSpec): void {
  throwViolations(plannerOf(spec).check(spec));
}

/** The graph of a run. @throws RpcError INVALID_ARGUMENT with one violation for each wrong field. */
export function planRun(spec: RunSpec): Plan {
  const planner = plannerOf(spec);
  throwViolations(planner.check(spec));
  return planner.plan(spec);
}
