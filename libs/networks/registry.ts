import type { NetworkDefinition } from "./definition.ts";
import { convnextTiny } from "./networks/convnext.ts";
import { efficientnetLite0 } from "./networks/efficientnet-lite.ts";
import { mlp } from "./networks/mlp.ts";
import { mnistCnn } from "./networks/mnist-cnn.ts";
import { resnets } from "./networks/resnet.ts";
import { vits } from "./networks/vit.ts";

/** Every network that can be had by name. A new one is a file in `networks/` and a line here. */
const known: readonly NetworkDefinition[] = [mlp, mnistCnn, ...resnets, ...vits, convnextTiny, efficientnetLite0];

export const definitions: ReadonlyMap<string, NetworkDefinition> = new Map(known.map((definition) => [definition.name, definition]));
