import { ImageError, type ImageErrorKind, isFixed, type Picture, presetOf } from "#libs/images";
import { openThreads, type PlainError, restoreError } from "#libs/threads";
import { createKeep } from "./keep.ts";
import type { Prepared, Task, Unit } from "./prepare-thread.ts";
import type { Batch, Draw, ImageRows, PictureShape } from "./types.ts";

export type LoaderOptions = {
  readonly images: ImageRows;
  /** What comes out. */
  readonly shape: PictureShape;
  /** Threads that read, decode and transform; 0 does that on this one. */
  readonly threads: number;
  /** Most bytes of pictures that are kept, and of those that a thread hands back to be kept. */
  readonly cacheBytes: number;
};

const NOTHING: Prepared = { pixels: new Uint8Array(), kept: [] };

/** A picture of a batch. Transforms that draw need to know where. */
export type Wanted = { readonly row: number; readonly draw?: Draw };

/** Makes batches of images. */
export type Loader = AsyncDisposable & {
  readonly images: ImageRows;
  /** Batches that should be asked for before they are needed: each is made by one thread. */
  readonly ahead: number;
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

  // One for each thread, and one that is at hand when a thread ends one.
  const ahead = count + 1;

  function taskOf({ row, draw }: Wanted, key: string): Task {
    const kept = keep.get(key);
    return { name: images.nameOf(row), draw, from: kept ? { kept } : { file: images.fileOf(row) } };
  }

  return {
    images,
    ahead,
    get keptBytes() {
      return keep.bytes;
    },
    async load(wanted, transform) {
      const isFinished = presetOf(transform).every(isFixed);
      const keys = wanted.map(({ row }) => `${row} ${transform}`);
      const finished = keys.map((key) => (isFinished ? keep.get(key) : undefined));
      const places = [...wanted.keys()].filter((place) => finished[place] === undefined);
      const tasks = places.map((place) => taskOf(wanted[place]!, keys[place]!));
      // Batches that are made at the same time share the room: pictures as they were decoded may be as large as photographs are.
      using room = keep.reserve(isFinished ? tasks.length * pictureBytes : keep.room / (ahead + 1));
      const unit = { transform, shape, tasks, room: isFinished ? 0 : room.bytes };
      const prepared = tasks.length > 0 ? await threads.run(unit) : NOTHING;
      const ownOf = (i: number) => prepared.pixels.subarray(i * pictureBytes, (i + 1) * pictureBytes);

      for (const [i, place] of places.entries()) {
        const kept = isFinished && room.bytes >= pictureBytes ? { ...shape, pixels: ownOf(i).slice() } : prepared.kept[i];
        if (kept !== undefined) room.add(keys[place]!, kept, kept.pixels.length);
      }
      // Where nothing was there the thread's pixels are the batch's, without a copy.
      const pixels = places.length === wanted.length ? prepared.pixels : new Uint8Array(wanted.length * pictureBytes);
      if (places.length < wanted.length) {
        for (const [place, picture] of finished.entries()) if (picture !== undefined) pixels.set(picture.pixels, place * pictureBytes);
        for (const [i, place] of places.entries()) pixels.set(ownOf(i), place * pictureBytes);
      }
      return { pixels, labels: Int32Array.from(wanted, ({ row }) => images.labels[row]!), rows: wanted.length };
    },
    [Symbol.asyncDispose]: () => threads[Symbol.asyncDispose](),
  };
}

function reviveImageError(error: PlainError): Error {
  return error.name === "ImageError" ? new ImageError(error.fields["kind"] as ImageErrorKind, error.message) : restoreError(error);
}
