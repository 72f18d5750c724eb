import type { Outcomes } from "../plan/outcome.ts";
import type { Node, Source } from "../plan/template.ts";

/** Looks for data that a model has seen before it is measured on them. */
export type LeakGuard = {
  /**
   * What is wrong with a measurement on held-out data, as a sentence; undefined if nothing is. Data are the same where their bytes are,
   * whatever recipe drew them.
   */
  leakOf(node: Node, outcomes: Outcomes): string | undefined;
};

/** A guard over the nodes of a graph. Models that come from outside of it say nothing of what they have seen. */
export function createLeakGuard(nodes: readonly Node[]): LeakGuard {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const known = new Map<string, ReadonlySet<string>>();

  /** The nodes of all data sets that a node was trained on, itself or through the models that went in. */
  function trainedOn(id: string): ReadonlySet<string> {
    const before = known.get(id);
    if (before !== undefined) return before;
    const found = new Set<string>();
    for (const [role, sources] of Object.entries(byId.get(id)?.template.inputs ?? {})) {
      if (role === "heldOut" || role === "validation") continue;
      for (const node of nodesOf(sources)) for (const data of role === "datasets" ? [node] : trainedOn(node)) found.add(data);
    }
    known.set(id, found);
    return found;
  }

  return {
    leakOf({ template, label }, outcomes) {
      const dataOf = (id: string) => {
        const outcome = outcomes.get(id);
        return outcome?.state === "done" ? outcome.data : undefined;
      };
      const heldOut = nodesOf(template.inputs["heldOut"] ?? []).map(dataOf)[0];
      if (heldOut === undefined) return undefined;
      for (const model of nodesOf(template.inputs["models"] ?? [])) {
        const leaked = [...trainedOn(model)].find((data) => dataOf(data) === heldOut);
        if (leaked !== undefined)
          return `${label}: its held-out data are the bytes of ${byId.get(leaked)?.label ?? leaked}, on which ${byId.get(model)?.label ?? model} was trained`;
      }
      return undefined;
    },
  };
}

function nodesOf(sources: Source | readonly Source[]): string[] {
  return [sources].flat().flatMap((source: Source) => ("node" in source ? [source.node] : "among" in source ? source.among : []));
}
