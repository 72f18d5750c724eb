import { exp, ln, type Stream } from "#libs/deterministic";
import type { Box, Size } from "../picture.ts";
import { PRESET_NAMES, type PresetName, presetOf } from "./presets.ts";
import type { Operation, Range, Step } from "./step.ts";

const TRIES = 10;

/** Whether a step does the same to all pictures of one size. */
export function isFixed({ kind }: Step): boolean {
  return kind === "resize" || kind === "resize-shorter-side" || kind === "center-crop";
}

/** The presets that draw nothing: those for predictions, which have no seed. */
export const FIXED_PRESETS: readonly PresetName[] = PRESET_NAMES.filter((name) => presetOf(name).every(isFixed));

/**
 * What the steps do to a picture, with parameters from a stream, which gives each step in turn what it needs. See docs/images.md.
 * @param from the size of the picture.
 * @param to the size that is asked for.
 */
export function drawOperations(steps: readonly Step[], from: Size, to: Size, stream: Stream): Operation[] {
  const operations: Operation[] = [];
  let size = from;
  for (const step of steps) {
    const drawn = drawStep(step, size, to, stream);
    operations.push(...drawn);
    size = drawn.reduce((before, operation) => sizeAfter(operation, before, to), size);
  }
  return operations;
}

function drawStep(step: Step, from: Size, to: Size, stream: Stream): Operation[] {
  switch (step.kind) {
    case "resize":
      return [{ kind: "resize", height: to.height, width: to.width }];
    case "resize-shorter-side":
      return [{ kind: "resize", ...withShorterSide(from, shorterSide(step.crop, to)) }];
    case "center-crop":
      return [{ kind: "center-crop" }];
    case "random-resized-crop":
      return [{ kind: "resized-crop", ...drawCrop(step.scale, step.ratio, from, stream) }];
    case "random-flip":
      return stream.uniform() < step.chance ? [{ kind: "flip" }] : [];
    case "color-jitter":
      return drawJitter(step, stream);
    case "random-grayscale":
      return stream.uniform() < step.chance ? [{ kind: "grayscale" }] : [];
  }
}

/** The shorter side, of which the shorter side of a size is this part. As torchvision has it: 256 for a crop of 224 with 0.875. */
export function shorterSide(crop: number, { height, width }: Size): number {
  return Math.floor(Math.min(height, width) / crop);
}

/** As torchvision's Resize of one number. */
function withShorterSide({ width, height }: Size, side: number): Size {
  const longer = Math.trunc((side * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? { width: side, height: longer } : { width: longer, height: side };
}

/** As torchvision's RandomResizedCrop.get_params. */
function drawCrop(scale: Range, ratio: Range, { width, height }: Size, stream: Stream): Box {
  const logRatio = [ln(ratio[0]), ln(ratio[1])] as const;
  for (let tries = 0; tries < TRIES; tries++) {
    const area = width * height * between(scale, stream.uniform());
    const shape = exp(between(logRatio, stream.uniform()));
    const box = { width: round(Math.sqrt(area * shape)), height: round(Math.sqrt(area / shape)) };
    if (box.width < 1 || box.width > width || box.height < 1 || box.height > height) continue;
    const top = stream.below(height - box.height + 1);
    return { top, left: stream.below(width - box.width + 1), ...box };
  }
  return middle(ratio, { width, height });
}

/** As much of the middle of a picture as a ratio of its sides allows. */
function middle([narrowest, widest]: Range, { width, height }: Size): Box {
  const ratio = width / height;
  const box = {
    width: ratio > widest ? round(height * widest) : width,
    height: ratio < narrowest ? round(width / narrowest) : height,
  };
  return { top: Math.floor((height - box.height) / 2), left: Math.floor((width - box.width) / 2), ...box };
}

function drawJitter({ brightness, contrast, saturation, hue }: Extract<Step, { kind: "color-jitter" }>, stream: Stream): Operation[] {
  const order = stream.shuffle([0, 1, 2, 3]);
  const factor = (strength: number) => between([Math.max(0, 1 - strength), 1 + strength], stream.uniform());
  const operations: readonly Operation[] = [
    { kind: "brightness", factor: factor(brightness) },
    { kind: "contrast", factor: factor(contrast) },
    { kind: "saturation", factor: factor(saturation) },
    { kind: "hue", factor: between([-hue, hue], stream.uniform()) },
  ];
  return order.map((place) => operations[place]!);
}

function between([least, most]: Range, share: number): number {
  return least + share * (most - least);
}

function round(x: number): number {
  return Math.floor(x + 0.5);
}

function sizeAfter(operation: Operation, before: Size, to: Size): Size {
  if (operation.kind === "resize") return { width: operation.width, height: operation.height };
  return operation.kind === "resized-crop" || operation.kind === "center-crop" ? to : before;
}
