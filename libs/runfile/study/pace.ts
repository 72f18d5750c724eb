import type { StudyFile, StudyTraining } from "./study.ts";

/** Looks at the validation images in one training, where they cost little. */
const LOOKS = 20;
/** Most that all looks may cost, as a share of the training itself. */
const SHARE = 0.25;
/** What a step costs in passes through the network: forward, and backward for weights and activations. */
const PASSES = { all: 3, head: 1 } as const;

/** A training as far as the pace of its validation depends on it. */
type Paced = Pick<StudyTraining, "steps" | "batch"> & { readonly trains: keyof typeof PASSES };

/**
 * Steps between two looks at the validation images: a twentieth of the training, or as many as it takes for the looks to cost at most a
 * quarter of what the steps cost. Never more than there are steps, so that there is one look.
 * @param images of each domain that is trained on. @param fraction of them that is for validation
 * @example
 * ```ts
 * const training = { steps: 500, batch: 64, trains: "all" } as const;
 * validationPace(training, { images: [400, 400, 400], fraction: 0.2 }); // 25
 * validationPace(training, { images: Array(5).fill(11_666), fraction: 0.2 }); // 49
 * validationPace({ ...training, batch: 1 }, { images: Array(5).fill(11_666), fraction: 0.2 }); // 500
 * ```
 */
export function validationPace(
  { steps, batch, trains }: Paced,
  { images, fraction }: { readonly images: readonly number[]; readonly fraction: number },
): number {
  const validation = fraction * images.reduce((sum, count) => sum + count, 0);
  const step = PASSES[trains] * batch * images.length;
  const affordable = Math.ceil(validation / (SHARE * step));
  return Math.min(steps, Math.max(1, Math.round(steps / LOOKS), affordable));
}

/**
 * The run file with every pace of validation in place, now that somebody has counted the images.
 * @param found names and image counts of the target's domains
 */
export function withPaces(
  file: StudyFile,
  found: { readonly domains: readonly string[]; readonly pictures: readonly number[] },
): StudyFile {
  // The most images that any probe or fine-tuning trains on: all but those of the smallest domain that is held out.
  const held = new Set(file.heldOut ?? found.domains);
  const counts = found.pictures.map((count, i) => ({ count, held: held.has(found.domains[i] ?? "") }));
  const smallest = counts.filter((domain) => domain.held).sort((a, b) => a.count - b.count)[0];
  const images = counts.filter((domain) => domain !== smallest).map(({ count }) => count);
  const paced = (training: StudyTraining, trains: keyof typeof PASSES): StudyTraining =>
    training.validateEvery > 0
      ? training
      : { ...training, validateEvery: validationPace({ ...training, trains }, { images, fraction: file.validationFraction }) };
  return { ...file, probe: paced(file.probe, "head"), fineTuning: paced(file.fineTuning, "all") };
}
