import type { Box } from "../picture.ts";

/** A step of a preset: what is done to each picture, and from where its parameters are drawn. */
export type Step =
  /** To the size that is asked for, whatever becomes of the proportions. */
  | { readonly kind: "resize" }
  /** So that the shorter side of the size that is asked for is this part of the picture's shorter side, the proportions kept. */
  | { readonly kind: "resize-shorter-side"; readonly crop: number }
  /** The middle, of the size that is asked for. */
  | { readonly kind: "center-crop" }
  /**
   * A part of the picture, resized to the size that is asked for. `scale`: least and most of the picture's area;
   * `ratio`: least and most of width / height.
   */
  | { readonly kind: "random-resized-crop"; readonly scale: Range; readonly ratio: Range }
  /** Mirrored, with that chance. */
  | { readonly kind: "random-flip"; readonly chance: number }
  /** Brightness, contrast and saturation times up to 1 ± these, hue turned by up to ± this part of the circle, in any order. */
  | {
      readonly kind: "color-jitter";
      readonly brightness: number;
      readonly contrast: number;
      readonly saturation: number;
      readonly hue: number;
    }
  /** Grey, with that chance. */
  | { readonly kind: "random-grayscale"; readonly chance: number };

export type Range = readonly [least: number, most: number];

/** Something done to a picture, with all its parameters. */
export type Operation =
  /** A part of the picture, resized to the size that is asked for. */
  | ({ readonly kind: "resized-crop" } & Box)
  | { readonly kind: "resize"; readonly height: number; readonly width: number }
  | { readonly kind: "center-crop" }
  | { readonly kind: "flip" }
  | { readonly kind: "brightness" | "contrast" | "saturation" | "hue"; readonly factor: number }
  | { readonly kind: "grayscale" };
