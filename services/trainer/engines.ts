import { arithmetics, backends } from "#libs/recipes";
import type { Device } from "#libs/topics";

/** An engine that this trainer computes with, and what it can: the fields of Engine. */
export type EngineHere = {
  readonly name: string;
  readonly device: Device;
  readonly arithmetics: readonly string[];
  /** It runs all networks of #libs/networks. */
  readonly builtInNetworks: boolean;
};

/** The engines of this machine that a trainer may use. They are looked for once, when it starts. */
export function enginesHere(): EngineHere[] {
  return backends.map((name) => ({ name, device: "cpu", arithmetics: [arithmetics[name]], builtInNetworks: false }));
}
