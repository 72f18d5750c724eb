/** What the threads of a loader run: the images of a batch read, decoded and transformed. */
import { openStream, PURPOSE } from "#libs/deterministic";
import { type Descriptors, openDescriptors, readAt } from "#libs/files";
import {
  applyOperations,
  decodeImage,
  drawOperations,
  ImageError,
  isFixed,
  type Picture,
  presetOf,
  type Size,
  type Step,
} from "#libs/images";
import type { Runner } from "#libs/threads";
import type { Draw, FilePart, PictureShape } from "./types.ts";

/** One picture to prepare. */
export type Task = {
  readonly name: string;
  readonly draw: Draw | undefined;
  /** What was kept of it before, or its file. */
  readonly from: { readonly kept: Picture } | { readonly file: FilePart };
};

export type Unit = {
  readonly transform: string;
  readonly shape: PictureShape;
  readonly tasks: readonly Task[];
  /** Most bytes, of all pictures together, that come back to be kept. */
  readonly room: number;
};

/** The pixels of all pictures, one after another, and what may be kept of each, in memory that threads share. */
export type Prepared = { readonly pixels: Uint8Array<ArrayBuffer>; readonly kept: readonly (Picture | undefined)[] };

export function setup(): Runner<Unit, Prepared> {
  const files = openDescriptors();
  return {
    run: (unit) => prepare(unit, files),
    transfer: ({ pixels }) => [pixels.buffer],
    close: () => files[Symbol.dispose](),
  };
}

async function prepare({ transform, shape, tasks, room }: Unit, files: Descriptors): Promise<Prepared> {
  const steps = presetOf(transform);
  const fixed = steps.slice(0, firstRandom(steps));
  const bytes = shape.channels * shape.height * shape.width;
  const pixels = new Uint8Array(tasks.length * bytes);
  const kept: (Picture | undefined)[] = [];
  let left = room;
  // The next image is decoded, in a thread of the decoder, while this one is transformed here.
  let next = decode(tasks[0], shape, files);
  for (const [i, task] of tasks.entries()) {
    const decoded = await next;
    next = decode(tasks[i + 1], shape, files);
    next.catch(() => undefined);
    const base = "kept" in task.from ? task.from.kept : begin(decoded!, fixed, shape);
    const isKept = "file" in task.from && base.pixels.length <= left;
    if (isKept) left -= base.pixels.length;
    kept.push(isKept ? shared(base) : undefined);
    pixels.set(finish(base, steps.slice(fixed.length), task, transform, shape), i * bytes);
  }
  return { pixels, kept };
}

/** The place of the first step that draws something: what comes before it is the same each time, and kept. */
function firstRandom(steps: readonly Step[]): number {
  const place = steps.findIndex((step) => !isFixed(step));
  return place < 0 ? steps.length : place;
}

async function decode(task: Task | undefined, { channels }: PictureShape, files: Descriptors): Promise<Picture | undefined> {
  if (task === undefined || "kept" in task.from) return undefined;
  try {
    return await decodeImage(read(task, task.from.file, files), { channels: channels === 1 ? 1 : 3 });
  } catch (error) {
    throw error instanceof ImageError ? new ImageError(error.kind, `${task.name}: ${error.message}`, { cause: error }) : error;
  }
}

/** Throws where the file has not all that is looked for in it: that says something of this machine's file, and nothing of the image. */
function read({ name }: Task, { path, offset, bytes: length }: FilePart, files: Descriptors): Uint8Array {
  const bytes = new Uint8Array(length);
  const read = readAt(files.of(path, "r"), bytes, offset);
  if (read < length) throw new Error(`${name}: ${path} ends ${length - read} bytes before the image does`);
  return bytes;
}

function begin(picture: Picture, steps: readonly Step[], to: Size): Picture {
  // Nothing is drawn.
  return applyOperations(picture, drawOperations(steps, picture, to, openStream([0, 0])), to);
}

function finish(base: Picture, steps: readonly Step[], { draw, name }: Task, transform: string, shape: PictureShape): Uint8Array {
  const stream = openStream([draw?.seed ?? 0, PURPOSE.augmentation], draw?.place);
  const picture = applyOperations(base, drawOperations(steps, base, shape, stream), shape);
  if (picture.width !== shape.width || picture.height !== shape.height) {
    const [is, wanted] = [picture, shape].map(({ width, height }) => `${width} x ${height}`);
    throw new ImageError("size", `${name} has ${is} pixels, and the network takes ${wanted}: ${transform} changes no size`);
  }
  return shape.channels === 2 ? firstTwo(picture.pixels) : picture.pixels;
}

function firstTwo(pixels: Uint8Array): Uint8Array {
  const out = new Uint8Array((pixels.length / 3) * 2);
  for (let from = 0, to = 0; from < pixels.length; from += 3) {
    out[to++] = pixels[from]!;
    out[to++] = pixels[from + 1]!;
  }
  return out;
}

function shared(picture: Picture): Picture {
  const pixels = new Uint8Array(new SharedArrayBuffer(picture.pixels.length));
  pixels.set(picture.pixels);
  return { width: picture.width, height: picture.height, channels: picture.channels, pixels };
}
