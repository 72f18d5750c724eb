import type { Picture, Size } from "../picture.ts";
import { centerCrop, flip } from "../transforms/geometry.ts";
import { adjustHue } from "../transforms/hue.ts";
import { resize } from "../transforms/resize.ts";
import { adjustBrightness, adjustContrast, adjustSaturation, grayscale } from "../transforms/tones.ts";
import type { Operation } from "./step.ts";

/**
 * Does operations to a picture of one or three channels, one after another.
 * @param to the size that crops have.
 * @example
 * ```ts
 * const picture = { width: 2, height: 1, channels: 1, pixels: Uint8Array.of(10, 100) };
 * const operations = [{ kind: "flip" }, { kind: "brightness", factor: 1.5 }] as const;
 * [...applyOperations(picture, operations, picture).pixels]; // [150, 15]
 * ```
 */
export function applyOperations(picture: Picture, operations: readonly Operation[], to: Size): Picture {
  return operations.reduce((before, operation) => apply(before, operation, to), picture);
}

function apply(picture: Picture, operation: Operation, to: Size): Picture {
  switch (operation.kind) {
    case "resized-crop":
      return resize(picture, to, operation);
    case "resize":
      return resize(picture, operation);
    case "center-crop":
      return centerCrop(picture, to);
    case "flip":
      return flip(picture);
    case "brightness":
      return adjustBrightness(picture, operation.factor);
    case "contrast":
      return adjustContrast(picture, operation.factor);
    case "saturation":
      return adjustSaturation(picture, operation.factor);
    case "hue":
      return adjustHue(picture, operation.factor);
    case "grayscale":
      return grayscale(picture);
  }
}
