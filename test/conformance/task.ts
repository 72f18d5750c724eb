import { arithmetics, type Digest, type Json, type Recipe } from "#libs/recipes";
import type { Engine, Trainer } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Data, Form } from "./data.ts";

/** What is asked of a trainer, as far as its announcement leaves a choice. */
export type Wanted = { readonly network?: string; readonly form?: Form; readonly steps: number };

/** Changes of a recipe; all others replace parameters. */
type Changes = { readonly seed: number; readonly weights?: Digest; readonly [parameter: string]: Json | undefined };

/** Recipes that a trainer says it can run. */
export type Task = {
  readonly needs: { readonly device: string; readonly backend: string; readonly network: string };
  readonly data: Data;
  /** The domain that no training sees. */
  readonly heldOut: string;
  /** For people. */
  readonly said: string;
  training(changes: Changes): Recipe;
  prediction(models: readonly Digest[], changes?: { readonly [parameter: string]: Json }): Recipe;
};

/** Networks that cost next to nothing, and how large their images are to be. */
const small: { readonly [name: string]: { readonly size: number; readonly options?: { readonly [name: string]: Json } } } = {
  mlp: { size: 16, options: { hidden: [16] } },
  "mnist-cnn": { size: 16 },
};
/** Of another network nothing is known but that its images are not large. */
const OTHER = { size: 32 };
const TRANSFORM = "resize/1";

/**
 * Recipes for what a trainer has announced: its first engine with an approximate arithmetic, and the smallest network it has or that is
 * wanted; on images where the arithmetic says so, else on records.
 * @throws Error with what it does not announce
 */
export function chooseTask({ engines, kinds }: Trainer, all: Readonly<Record<Form, Data>>, { network: wanted, form, steps }: Wanted): Task {
  for (const kind of ["train", "predict"])
    if (!kinds.includes(kind)) throw new Error(`the trainer does not announce the kind ${kind}; it announces ${kinds.join(", ")}`);
  const chosen = engines.flatMap((engine) => {
    const arithmetic = engine.arithmetics.find((one) => one.startsWith("~"));
    const name = networkOf(engine, wanted);
    return arithmetic === undefined || name === undefined ? [] : [{ engine, arithmetic, name }];
  });
  const [first] = chosen;
  if (!first) {
    const which = wanted === undefined ? "a network" : `the network ${wanted}`;
    throw new Error(`no engine that the trainer announces has both an approximate arithmetic ("~…") and ${which}`);
  }
  const { engine, arithmetic, name } = first;
  const data = all[form ?? (arithmetic.includes("images/") ? "images" : "records")];
  const isOfImages = data.form === "images";
  const network: Json = { name, ...(small[name] ?? OTHER) };
  const { dataset, split, domains, classes } = data;
  const heldOut = domains.at(-1)!;
  const seen = domains.slice(0, -1);
  const common = { network, classes };
  return {
    needs: { device: engine.device, backend: engine.name, network: name },
    data,
    heldOut,
    said: `engine ${engine.name} on ${engine.device}, ${arithmetic}, network ${name}, ${data.form}`,
    training({ seed, weights, ...changes }) {
      const parameters = {
        ...{ ...common, domains: seen, steps, batch: 4 },
        ...(isOfImages ? { transform: { training: TRANSFORM, validation: TRANSFORM } } : {}),
        ...{ optimiser: { name: "adam", learningRate: 0.003 } },
        ...changes,
      } as { [name: string]: Json };
      return { kind: "train", inputs: { dataset, split, ...(weights ? { weights } : {}) }, parameters, seed, arithmetic };
    },
    prediction(models, changes = {}) {
      const parameters = { ...common, domains: [...seen], part: "validation", ...(isOfImages ? { transform: TRANSFORM } : {}), ...changes };
      return { kind: "predict", inputs: { models, dataset, split }, parameters, arithmetic };
    },
  };
}

function networkOf({ builtInNetworks, networks }: Engine, wanted: string | undefined): string | undefined {
  const known = Object.keys(small);
  if (wanted !== undefined) return networks.includes(wanted) || builtInNetworks ? wanted : undefined;
  return builtInNetworks ? known[0] : (known.find((name) => networks.includes(name)) ?? networks[0]);
}

/** How accurate predictions are. */
export function accuracyOf(predictions: readonly Digest[]): Recipe {
  return { kind: "measure", inputs: { predictions }, parameters: { measure: "accuracy" }, arithmetic: arithmetics.measuring };
}
