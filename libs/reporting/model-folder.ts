/** Where a run's recycled model is written, below the folder of its report. */
export function modelFolder({ seed, heldOut }: { readonly seed: number; readonly heldOut: string }): string {
  return `models/seed-${seed}/held-out-${heldOut.replace("°", "")}`;
}
