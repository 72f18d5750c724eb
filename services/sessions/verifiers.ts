import { openThreads, type PlainError, restoreError, type Threads } from "#libs/threads";
import type { ChunkSum } from "./chunk-sum.ts";
import { ContributionError, DamagedChunkError, refuse } from "./errors.ts";
import { createVerification, type Expectation, type Verified } from "./verification.ts";
import { type Chunk, ForgottenFileError, type VerifyResult, type VerifyUnit } from "./verify-thread.ts";

/** Looks at a file that is being written. */
export type Verifier = AsyncDisposable & {
  /** Bytes from the beginning that are as they have to be. */
  readonly verified: number;
  /** The next bytes of the file, or the next chunk with its sum. They are not kept. @throws DamagedChunkError, ContributionError */
  take(bytes: Uint8Array, sum?: ChunkSum): void;
  /** Begins with so many bytes that are in the file already. Without this they have to be taken. */
  readonly recall?: (length: number) => void;
  /** So many bytes are in the file by now. */
  written(length: number): void;
  /** Resolves when all that is written was looked at. @throws DamagedChunkError, ContributionError, RpcError INCOMPLETE */
  settle(): Promise<void>;
  /** What the whole file is, all of which is written. @throws as settle */
  result(): Promise<Verified>;
};

export type VerifiedFile = {
  readonly path: string;
  readonly expectation: Expectation;
  /** Called after each look. */
  readonly onProgress: () => void;
  /** Called with what is wrong, as soon as it is known. */
  readonly onFailure: (error: unknown) => void;
};

/** Makes verifiers of files that are being written. */
export type Verifiers = AsyncDisposable & { of(file: VerifiedFile): Verifier };

type Slot = { threads: Threads<VerifyUnit, VerifyResult> | undefined; files: number };

/**
 * Large files are looked at by threads of their own, which read them behind their writer: sha-256 takes as long as receiving does, and the
 * event loop has other senders. A thread starts with its first file of more than `smallBytes`; where it dies, its files have to be begun
 * again, and others go to a new one.
 * @param module what the threads run
 */
export function createVerifiers({
  smallBytes,
  threads: count,
  module = new URL("verify-thread.ts", import.meta.url),
}: {
  readonly smallBytes: number;
  readonly threads: number;
  readonly module?: URL | undefined;
}): Verifiers {
  const slots = Array.from({ length: count }, (): Slot => ({ threads: undefined, files: 0 }));
  /** Errors of the bytes, or of the disk; others are those of threads that died. */
  const told = new WeakSet<object>();
  let next = 0;
  const open = () =>
    openThreads<VerifyUnit, VerifyResult>({
      module,
      setup: undefined,
      threads: 1,
      revive(plain) {
        const error = revived(plain);
        if (plain.name !== ForgottenFileError.name) told.add(error);
        return error;
      },
    });

  function follow({ path, expectation, onProgress, onFailure }: VerifiedFile): Verifier {
    const slot = slots.reduce((best, one) => (one.files < best.files ? one : best));
    slot.files += 1;
    slot.threads ??= open();
    const { run } = slot.threads;
    const id = next++;
    let verified = 0;
    let taken = 0;
    let length = 0;
    let looks = 0;
    const chunks: Chunk[] = [];
    let last: Promise<unknown> = Promise.resolve();
    let failure: { readonly error: unknown } | undefined;

    function ask(unit: VerifyUnit): Promise<VerifyResult> {
      const answer = run(unit).then(
        (result) => {
          verified = Math.max(verified, result.position);
          onProgress();
          return result;
        },
        (cause: Error) => {
          if (cause instanceof DamagedChunkError) verified = Math.max(verified, cause.at);
          if (!failure) {
            failure = { error: told.has(cause) ? cause : interrupted(cause) };
            onFailure(failure.error);
          }
          throw failure.error;
        },
      );
      // Whoever settles hears it again.
      answer.catch(() => undefined);
      last = answer;
      return answer;
    }

    /** Asks to look at what is written by now. */
    function look(): void {
      const more = chunks.findIndex(({ end }) => end > length);
      const ready = chunks.splice(0, more < 0 ? chunks.length : more);
      if (ready.length === 0) return;
      looks += 1;
      ask({ does: "look", id, chunks: ready })
        .finally(() => {
          looks -= 1;
          // What was written meanwhile is looked at together.
          if (looks === 0) look();
        })
        .catch(() => undefined);
    }

    void ask({ does: "begin", id, path, expectation });
    return {
      get verified() {
        return verified;
      },
      take({ length: bytes }, sum) {
        taken += bytes;
        chunks.push({ end: taken, sum });
      },
      recall(bytes) {
        taken = bytes;
        length = bytes;
        chunks.push({ end: bytes, sum: undefined });
        look();
      },
      written(to) {
        length = to;
        if (looks === 0) look();
      },
      async settle() {
        look();
        await last;
        if (failure) throw failure.error;
      },
      async result() {
        look();
        return (await ask({ does: "result", id })).verified!;
      },
      async [Symbol.asyncDispose]() {
        slot.files -= 1;
        await run({ does: "forget", id }).catch(() => undefined);
      },
    };
  }

  return {
    of: (file) => (file.expectation.size <= smallBytes ? atOnce(file) : follow(file)),
    async [Symbol.asyncDispose]() {
      await Promise.all(slots.map(({ threads }) => threads?.[Symbol.asyncDispose]()));
    },
  };
}

/** Looks at bytes on the thread that takes them. */
function atOnce({ expectation }: VerifiedFile): Verifier {
  const verification = createVerification(expectation);
  return {
    get verified() {
      return verification.position;
    },
    take: verification.take,
    written: () => {},
    settle: async () => {},
    result: async () => verification.result(),
    [Symbol.asyncDispose]: async () => {},
  };
}

function revived(plain: PlainError): Error {
  const { name, message, fields } = plain;
  if (name === ContributionError.name)
    return new ContributionError(fields["reason"] as ContributionError["reason"], fields["field"] as string, message);
  if (name === DamagedChunkError.name) {
    const { at, kind, is, said } = fields as Pick<DamagedChunkError, "at" | "kind" | "is" | "said">;
    return new DamagedChunkError(at, kind, is, said);
  }
  return restoreError(plain);
}

function interrupted(cause: Error) {
  return refuse("INCOMPLETE", `the check of this contribution broke off (${cause.message}); the same call again goes on where it was`, {
    cause,
  });
}
