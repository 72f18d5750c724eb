import type { Method } from "./methods.ts";
import type { Cell, Member, Result, SetName } from "./report.ts";
import { mean } from "./statistics.ts";

/** The sets from which one member is chosen by validation accuracy, by the method that does so. */
const chosenFrom: { readonly [M in Method]?: SetName } = { erm: "soup", "inter-training": "recycled", fusing: "fused" };

/** The accuracies of a cell, in the order of `methods`; a method that was not measured is missing. */
export function cellResults(cell: Cell, methods: readonly Method[]): Result[] {
  return methods.flatMap((method) => {
    const accuracy = methodAccuracy(cell, method);
    return accuracy === undefined ? [] : [{ method, heldOut: cell.heldOut, seed: cell.seed, accuracy }];
  });
}

/**
 * The member of a set with the best validation accuracy; of equals the one of lowest index.
 * @example
 * ```ts
 * const member = { set: "soup", initialisation: "foundation", accuracy: 0.9 };
 * const members = [0.8, 0.85, 0.85].map((validationAccuracy, index) => ({ ...member, index, validationAccuracy }));
 * bestMember({ members }, "soup")?.index; // 1
 * bestMember({ members }, "fused"); // undefined
 * ```
 */
export function bestMember(cell: Cell, set: SetName): Member | undefined {
  return cell.members
    .filter((member) => member.set === set)
    .sort((a, b) => b.validationAccuracy - a.validationAccuracy || a.index - b.index)[0];
}

/** Mean accuracy of the members of a set on the held-out domain. */
export function memberMean(cell: Cell, set: SetName): number | undefined {
  const accuracies = cell.members.filter((member) => member.set === set).map((member) => member.accuracy);
  return accuracies.length === 0 ? undefined : mean(accuracies);
}

function methodAccuracy(cell: Cell, method: Method): number | undefined {
  if (method === "member-mean") return memberMean(cell, "recycled");
  const set = chosenFrom[method];
  if (set !== undefined) return bestMember(cell, set)?.accuracy;
  return cell.averages.find((average) => average.method === method)?.accuracy;
}
