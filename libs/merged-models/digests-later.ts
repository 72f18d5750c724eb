import { digestsOf, isAnyBegun, type Output, type Reading, unknownBytes, wasBegun } from "#libs/model-folders";
import { type ModelFiles, provisionalDigest } from "#libs/models";
import type { Digest } from "#libs/recipes";
import type { PreparedMerge } from "./prepared-merge.ts";

/** Digests that are found while the merge runs. Ends the search when it is disposed. */
export type DigestsLater = AsyncDisposable & {
  /** What stands for them until then, in the order of the models. */
  readonly provisional: readonly Digest[];
  readonly digests: Promise<readonly Digest[]>;
  /** The same merge, whose progress counts what is hashed. */
  counting(merge: PreparedMerge): PreparedMerge;
};

export type DigestsLaterOptions = { readonly threads?: number | undefined; readonly signal: AbortSignal };

/** Less than this is hashed at once, sooner than anything could begin beside it. */
const WORTH_BYTES = 1 << 24;

/**
 * Begins to find the digests of models that nobody has read yet, so that a merge of them need not wait. What such a merge writes is
 * called by a key of provisional digests until it is whole; where one was begun, the same is gone on with, also if the digests are known by now.
 * @param keyOf the key of the merge with these digests, which decide no bytes of it
 * @returns undefined where they are better found first: they are known, or are few bytes, or what was begun in the output is of another key
 */
export async function digestsLater(
  models: readonly ModelFiles[],
  output: Output,
  keyOf: (digests: readonly Digest[]) => string,
  { threads, signal }: DigestsLaterOptions,
): Promise<DigestsLater | undefined> {
  const bytes = models.reduce((sum, { files }) => files.reduce((all, { size }) => all + size, sum), 0);
  if (bytes <= WORTH_BYTES) return undefined;
  const isBegun = await isAnyBegun(output);
  if (!isBegun && unknownBytes(models) <= WORTH_BYTES) return undefined;
  const provisional = await Promise.all(models.map(provisionalDigest));
  if (isBegun && !(await wasBegun(output, keyOf(provisional)))) return undefined;

  const stop = new AbortController();
  let hashed: Reading = { readBytes: 0, totalBytes: 0 };
  const onReading = () => ({
    update(reading: Reading) {
      hashed = reading;
    },
    [Symbol.dispose]() {},
  });
  const digests = digestsOf(models, { threads, signal: AbortSignal.any([signal, stop.signal]), onReading });
  // Whoever waits for them hears of it.
  const ended = digests.then(
    () => undefined,
    () => undefined,
  );
  return {
    provisional,
    digests,
    counting: (merge) => ({
      ...merge,
      run: (options) => {
        const onProgress = (reading: Reading) =>
          options.onProgress({
            ...reading,
            readBytes: reading.readBytes + hashed.readBytes,
            totalBytes: reading.totalBytes + hashed.totalBytes,
          });
        return merge.run({ ...options, onProgress });
      },
    }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}
