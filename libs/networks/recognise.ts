import { adaptation } from "./adapt.ts";
import { networkNames, networkOf } from "./network-of.ts";
import { definitions } from "./registry.ts";
import { ownNames } from "./spelling.ts";

/**
 * Whose weights these are: the network all of whose weights are there, in its shapes, whatever the classes, the channels and the size of the pictures.
 * @param shapes shapes by the names in a file
 * @returns nothing where it is none that is known, or one whose tensors do not say all of it (`mlp`)
 * @example
 * ```ts
 * const { tensors } = networkOf("resnet34", { classes: 5 });
 * recogniseNetwork(new Map(tensors.map(({ name, shape }) => [name, shape]))); // "resnet34"
 * ```
 */
export function recogniseNetwork(shapes: ReadonlyMap<string, readonly number[]>): string | undefined {
  return networkNames().find((name) => name !== "mlp" && isOf(name, shapes));
}

function isOf(name: string, shapes: ReadonlyMap<string, readonly number[]>): boolean {
  const network = networkOf(name, { classes: 1 });
  const wanted = new Set(network.tensors.map((tensor) => tensor.name));
  const { names } = ownNames([...shapes.keys()], wanted, definitions.get(name)!);
  // A smaller network may be a part of a larger one.
  if ([...names.values()].some((own) => !wanted.has(own))) return false;
  const own = new Map([...names].map(([theirs, ours]) => [ours, shapes.get(theirs)!]));
  return network.tensors.every((tensor) => {
    if (tensor.role === "buffer" || network.head.includes(tensor.name)) return true;
    const shape = own.get(tensor.name);
    return shape !== undefined && (shape.join() === tensor.shape.join() || adaptation(network, tensor, shape) !== undefined);
  });
}
