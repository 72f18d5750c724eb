import { didYouMean, quote } from "#libs/text";
import type { Step } from "./step.ts";

/**
 * Transforms by name. What a name stands for never changes: a run's pixels depend on it.
 * domainbed/1: training of DomainBed, Gulrajani and Lopez-Paz 2021. resize/1: its evaluation. center/1: evaluation on ImageNet as torchvision
 * and timm have it, with a crop of 87.5 %. none/1: pictures that have the network's size already.
 */
const presets = {
  "domainbed/1": [
    { kind: "random-resized-crop", scale: [0.7, 1], ratio: [3 / 4, 4 / 3] },
    { kind: "random-flip", chance: 0.5 },
    { kind: "color-jitter", brightness: 0.3, contrast: 0.3, saturation: 0.3, hue: 0.3 },
    { kind: "random-grayscale", chance: 0.1 },
  ],
  "resize/1": [{ kind: "resize" }],
  "center/1": [{ kind: "resize-shorter-side", crop: 0.875 }, { kind: "center-crop" }],
  "none/1": [],
} as const satisfies { readonly [name: string]: readonly Step[] };

export type PresetName = keyof typeof presets;

/** The names of all presets. */
export const PRESET_NAMES = Object.keys(presets) as readonly PresetName[];

/**
 * The steps of a preset. Throws RangeError for a name that there is not.
 * @example
 * ```ts
 * presetOf("resize/1"); // [{ kind: "resize" }]
 * ```
 */
export function presetOf(name: string): readonly Step[] {
  if (Object.hasOwn(presets, name)) return presets[name as PresetName];
  throw new RangeError(`${quote(name)} is no transform: ${didYouMean(name, PRESET_NAMES, `there are ${PRESET_NAMES.join(", ")}`)}`);
}
