import { ImageError, type ImageErrorKind, isFixed, type Picture, presetOf } from "#libs/images";
import { openThreads, type PlainError, restoreError } from "#libs/threads";
import { createKeep } from "./keep.ts";
import type { Prepared, Task, Unit } from "./prepare-thread.ts";
import type { Batch, Draw, ImageRows, PictureShape } from "./types.ts";

/** Most images that a thread is told to prepare at once: few enough that all threads end together, enough that telling costs little. */
const UNIT_IMAGES = 8;

export type LoaderOptions = {
  readonly images: ImageRows;
  /** What comes out. */
  readonly shape: PictureShape;
  /** Threads that read, decode and transform; 0 does that on this one. */
  readonly threads: number;
  /** Most bytes of pictures that are kept. */
  readonly cacheBytes: number;
};

/** A picture of a batch. Transforms that draw need to know where. */
export type Wanted = { readonly row: number; readonly draw?: Draw };

/** Makes batches of images. */
export type Loader = AsyncDisposable & {
  readonly images: ImageRows;
  /** Bytes of pictures that are kept. */
  readonly keptBytes: number;
  /**
   * A batch of these pictures, in their order, transformed by a preset. Rejects with an ImageError that names the image where one cannot be
   * read or has another size than the network's.
   */
  load(wanted: readonly Wanted[], transform: string): Promise<Batch>;
};

/**
 * Opens threads that make batches. Where a transform draws nothing, pictures are kept as they come out, and then come from this thread;
 * where it does, as they are before the first thing that is drawn. What is kept changes no result.
 */
export function openLoader({ images, shape, threads: count, cacheBytes }: LoaderOptions): Loader {
  const module = new URL("prepare-thread.ts", import.meta.url);
  const threads = openThreads<Unit, Prepared>({ module, setup: {}, threads: count, revive: reviveImageError });
  const keep = createKeep<Picture>(cacheBytes);
  const pictureBytes = shape.channels * shape.height * shape.width;

  function taskOf({ row, draw }: Wanted, key: string, isFixed: boolean): Task {
    const kept = keep.get(key);
    const from = kept ? { kept } : { file: images.fileOf(row), keep: !isFixed && !keep.isFull };
    return { name: images.nameOf(row), draw, from };
  }

  return {
    images,
    get keptBytes() {
      return keep.bytes;
    },
    async load(wanted, transform) {
      const pixels = new Uint8Array(wanted.length * pictureBytes);
      const isFixedTransform = presetOf(transform).every(isFixed);
      const keys = wanted.map(({ row }) => `${row} ${transform}`);

      /** Whether a picture is there as it comes out; then it is in its place. */
      function isFinished(_: Wanted, place: number): boolean {
        const kept = isFixedTransform ? keep.get(keys[place]!) : undefined;
        if (kept !== undefined) pixels.set(kept.pixels, place * pictureBytes);
        return kept !== undefined;
      }

      async function prepare(places: readonly number[]): Promise<void> {
        const tasks = places.map((place) => taskOf(wanted[place]!, keys[place]!, isFixedTransform));
        const prepared = await threads.run({ transform, shape, tasks });
        for (const [i, place] of places.entries()) {
          const own = prepared.pixels.subarray(i * pictureBytes, (i + 1) * pictureBytes);
          pixels.set(own, place * pictureBytes);
          const kept = isFixedTransform && !keep.isFull ? { ...shape, pixels: own.slice() } : prepared.kept[i];
          if (kept !== undefined) keep.add(keys[place]!, kept, kept.pixels.length);
        }
      }

      const open = wanted.flatMap((one, place) => (isFinished(one, place) ? [] : [place]));
      const size = Math.min(UNIT_IMAGES, Math.ceil(open.length / Math.max(1, count)));
      const units = Array.from({ length: Math.ceil(open.length / (size || 1)) }, (_, i) => open.slice(i * size, (i + 1) * size));
      await Promise.all(units.map(prepare));
      return { pixels, labels: Int32Array.from(wanted, ({ row }) => images.labels[row]!), rows: wanted.length };
    },
    [Symbol.asyncDispose]: () => threads[Symbol.asyncDispose](),
  };
}

function reviveImageError(error: PlainError): Error {
  return error.name === "ImageError" ? new ImageError(error.fields["kind"] as ImageErrorKind, error.message) : restoreError(error);
}
