import type { Size } from "../picture.ts";
import { shorterSide } from "./draw.ts";
import { presetOf } from "./presets.ts";
import type { Step } from "./step.ts";

/**
 * What a preset without randomness does to an image of any size, in words: whoever does otherwise gets other numbers from a model.
 * Empty for one that does nothing. Throws RangeError for a name that there is not, or for one that draws.
 * @example
 * ```ts
 * describePreset("resize/1", { height: 64, width: 64 }); // "resized as a whole, whatever its proportions, to 64 x 64 pixels (bilinear, antialiased)"
 * ```
 */
export function describePreset(name: string, size: Size): string {
  return presetOf(name)
    .map((step) => describe(step, size))
    .join(", then ");
}

function describe(step: Step, size: Size): string {
  const { height, width } = size;
  switch (step.kind) {
    case "resize":
      return `resized as a whole, whatever its proportions, to ${width} x ${height} pixels (bilinear, antialiased)`;
    case "resize-shorter-side":
      return `resized, its proportions kept, to a shorter side of ${shorterSide(step.crop, size)} pixels (bilinear, antialiased)`;
    case "center-crop":
      return `cut to the ${width} x ${height} pixels in its middle`;
    default:
      throw new RangeError(`${step.kind} draws`);
  }
}
