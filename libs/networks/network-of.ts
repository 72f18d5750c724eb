import { didYouMean, list, quote } from "#libs/text";
import { NetworkBuilder } from "./build.ts";
import type { NetworkDefinition } from "./definition.ts";
import { NetworkOptionsError, UnknownNetworkError } from "./errors.ts";
import { definitions } from "./registry.ts";
import { outputShapes } from "./shapes.ts";
import type { Network, NetworkInput, NetworkOptions } from "./types.ts";

/** What a network is wanted for. Channels and size (pixels of each side) are the network's own unless given. */
export type NetworkNeeds = {
  readonly classes: number;
  readonly channels?: number;
  readonly size?: number;
  readonly options?: NetworkOptions;
};

/** The networks that `networkOf` knows, in the order in which they are shown. */
export function networkNames(): readonly string[] {
  return [...definitions.keys()];
}

/**
 * A network by name.
 * @throws UnknownNetworkError naming the nearest ones, NetworkOptionsError naming the number that is wrong
 * @example
 * ```ts
 * const { input, head } = networkOf("resnet18", { classes: 7, size: 64 });
 * input.height; // 64
 * head; // ["fc.weight", "fc.bias"]
 * ```
 */
export function networkOf(name: string, { classes, channels, size, options = {} }: NetworkNeeds): Network {
  const definition = definitions.get(name);
  if (!definition)
    throw new UnknownNetworkError(
      `There is no network ${quote(name)}: ${didYouMean(name, networkNames(), `there are ${list(networkNames(), "and")}`)}`,
    );
  checkWhole("classes", classes, name);
  const input = inputOf(definition, channels, size);
  const complete = optionsOf(definition, options);
  const net = new NetworkBuilder();
  definition.build(net, { classes, input, options: complete });
  const head = [`${definition.head}.weight`, `${definition.head}.bias`];
  const network: Network = {
    name,
    library: definition.library,
    classes,
    input,
    options: complete,
    tensors: net.tensors,
    head,
    graph: net.graph,
  };
  try {
    outputShapes(network);
  } catch (error) {
    throw new NetworkOptionsError(`${name} cannot see images of ${input.height} × ${input.width} pixels: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return network;
}

function inputOf({ name, input, patch = 1 }: NetworkDefinition, channels = input.channels, size = input.size): NetworkInput {
  checkWhole("channels", channels, name);
  checkWhole("size", size, name);
  if (size % patch !== 0) throw new NetworkOptionsError(`size: ${name} needs a multiple of ${patch}, got ${size}`);
  const repeated = (values: readonly number[]) => Array.from({ length: channels }, (_, channel) => values[channel % values.length]!);
  return { channels, height: size, width: size, mean: repeated(input.mean), deviation: repeated(input.deviation) };
}

function optionsOf({ name, options: defaults = {} }: NetworkDefinition, options: NetworkOptions): NetworkOptions {
  for (const key of Object.keys(options)) {
    if (Object.hasOwn(defaults, key)) continue;
    throw new NetworkOptionsError(`options: ${name} has no ${quote(key)}; it has ${list(Object.keys(defaults), "and") || "none"}`);
  }
  for (const width of options.hidden ?? []) checkWhole("hidden", width, name);
  return { ...defaults, ...options };
}

function checkWhole(field: string, value: number, name: string): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > 1e6)
    throw new NetworkOptionsError(`${field}: ${name} needs a whole number from 1 to 1000000, got ${value}`);
}
