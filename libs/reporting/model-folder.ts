import { nameWord } from "#libs/recipes";

type Cell = { readonly seed: number; readonly heldOut: string };

/**
 * Where a run's recycled model is written, below the folder of its report.
 * @example
 * ```ts
 * modelFolder({ seed: 10, heldOut: "25°" }); // "models/seed-10/held-out-25"
 * ```
 */
export function modelFolder(cell: Cell): string {
  return `models/${path(cell)}`;
}

/**
 * The ref of that model, for example "digits/seed-10/held-out-25".
 * @example
 * ```ts
 * modelName("digits", { seed: 10, heldOut: "25°" }); // "digits/seed-10/held-out-25"
 * ```
 */
export function modelName(run: string, cell: Cell): string {
  return `${run}/${path(cell)}`;
}

function path({ seed, heldOut }: Cell): string {
  return `seed-${seed}/held-out-${nameWord(heldOut.replace("°", ""))}`;
}
