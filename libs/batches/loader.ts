import { ImageError, type ImageErrorKind, type Picture } from "#libs/images";
import { openThreads, type PlainError, restoreError } from "#libs/threads";
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
 * Opens threads that make batches. Each picture is kept as it is before the first thing that is drawn: decoded, or, where a transform draws
 * nothing, as it comes out. The first ones that fit are kept, and stay: batches take pictures in any order, so that what was used last is
 * as likely to come next as any other. What is kept changes no result.
 */
export function openLoader({ images, shape, threads: count, cacheBytes }: LoaderOptions): Loader {
  const module = new URL("prepare-thread.ts", import.meta.url);
  const threads = openThreads<Unit, Prepared>({ module, setup: {}, threads: count, revive: reviveImageError });
  const kept = new Map<string, Picture>();
  let keptBytes = 0;

  function keep(key: string, picture: Picture): void {
    if (kept.has(key) || keptBytes + picture.pixels.length > cacheBytes) return;
    kept.set(key, picture);
    keptBytes += picture.pixels.length;
  }

  async function loadPart(wanted: readonly Wanted[], transform: string, out: Uint8Array): Promise<void> {
    const keys = wanted.map(({ row }) => `${row} ${transform}`);
    const tasks = wanted.map(({ row, draw }, i): Task => {
      const known = kept.get(keys[i]!);
      const from = known ? { kept: known } : { file: images.fileOf(row), keep: keptBytes < cacheBytes };
      return { name: images.nameOf(row), draw, from };
    });
    const prepared = await threads.run({ transform, shape, tasks });
    out.set(prepared.pixels);
    for (const [i, picture] of prepared.kept.entries()) if (picture !== undefined) keep(keys[i]!, picture);
  }

  return {
    images,
    get keptBytes() {
      return keptBytes;
    },
    async load(wanted, transform) {
      const bytes = shape.channels * shape.height * shape.width;
      const pixels = new Uint8Array(wanted.length * bytes);
      const size = Math.min(UNIT_IMAGES, Math.ceil(wanted.length / Math.max(1, count)));
      const begins = Array.from({ length: Math.ceil(wanted.length / size) }, (_, i) => i * size);
      const part = (begin: number) =>
        loadPart(wanted.slice(begin, begin + size), transform, pixels.subarray(begin * bytes, (begin + size) * bytes));
      await Promise.all(begins.map(part));
      return { pixels, labels: Int32Array.from(wanted, ({ row }) => images.labels[row]!), rows: wanted.length };
    },
    [Symbol.asyncDispose]: () => threads[Symbol.asyncDispose](),
  };
}

function reviveImageError(error: PlainError): Error {
  return error.name === "ImageError" ? new ImageError(error.fields["kind"] as ImageErrorKind, error.message) : restoreError(error);
}
