import { nameWord } from "#libs/recipes";

type Cell = { readonly seed: number; readonly heldOut: string };

/** Where a run's recycled model is written, below the folder of its report. */
export function modelFolder(cell: Cell): string {
  return `models/${path(cell)}`;
}

/** The ref of that model, for example "digits/seed-10/held-out-25". */
export function modelName(run: string, cell: Cell): string {
  return `${run}/${path(cell)}`;
}

function path({ seed, heldOut }: Cell): string {
  return `seed-${seed}/held-out-${nameWord(heldOut.replace("°", ""))}`;
}
