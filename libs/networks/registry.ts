import type { NetworkDefinition } from "./definition.ts";
import { mnistCnn } from "./networks/mnist-cnn.ts";
import { resnets } from "./networks/resnet.ts";

/** Every network that can be had by name. A new one is a file in `networks/` and a line here. */
export const definitions: ReadonlyMap<string, NetworkDefinition> = new Map(
  [mnistCnn, ...resnets].map((definition) => [definition.name, definition]),
);
