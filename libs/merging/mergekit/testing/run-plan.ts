import { closeSync, openSync, readSync } from "node:fs";
import { isWidenable, tensorBytes, widen } from "#libs/tensors";
import type { Values } from "../../method.ts";
import { methodNamed, runMethodInMemory } from "../../methods/index.ts";
import type { MergePlan, PlannedTensor, Source } from "../../plan/index.ts";

/** The numbers that a plan makes, by the name of the tensor, computed in memory: what the engine has to write. */
export function runPlan(plan: MergePlan): Map<string, Values> {
  return new Map(plan.tensors.map((tensor) => [tensor.name, runTensor(plan, tensor)]));
}

function runTensor(plan: MergePlan, { name, shape, method, parameters, models, base, of, dtype }: PlannedTensor): Values {
  const read = ({ file, offset, dtype: type }: Source): Values => {
    const bytes = new Uint8Array(tensorBytes(type, shape));
    const descriptor = openSync(plan.inputs[file]!.path, "r");
    readSync(descriptor, bytes, 0, bytes.length, offset);
    closeSync(descriptor);
    if (!isWidenable(type)) throw new RangeError(`${name} is ${type}`);
    const values = new Float32Array(shape.reduce((product, dimension) => product * dimension, 1));
    widen(type, bytes, values);
    return values;
  };
  const digests = of === undefined ? plan.digests : of.map((index) => plan.digests[index]!);
  // Bytes that all sources have are those of the first.
  if (method === "agree") return read(models[0]!);
  const tensor = { name, shape, models: models.map(read), parameters, ...(base === undefined ? {} : { base: read(base) }) };
  return runMethodInMemory(methodNamed(method)!, [tensor], { type: dtype as "F32", seed: plan.seed, digests })[0]!;
}
