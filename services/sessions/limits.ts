/** What sessions may take of this machine. Bytes and milliseconds. */
export type SessionLimits = {
  /** Open sessions. */
  readonly sessions: number;
  /** Calls that send bytes at the same time, withdrawals included. */
  readonly streams: number;
  /** Staged files of all sessions together: incomplete contributions with the size that they will have, and complete ones until they are folded. */
  readonly stagingBytes: number;
  /** One contribution. */
  readonly contributionBytes: number;
  /** The header of a contribution: it is in memory as a whole. */
  readonly headerBytes: number;
  /** A chunk, unless it is the last. */
  readonly chunkBytes: { readonly min: number; readonly max: number };
  /** What all senders together may have on its way here. */
  readonly windowBytes: number;
  /** Contributions up to this size are looked at on the thread that receives them; for larger ones another thread is worth it. */
  readonly checkedAtOnceBytes: number;
  /** So long nothing may come from a sender who may send. */
  readonly stallMs: number;
  /** After so long without a byte another call may go on with a contribution. */
  readonly takeOverMs: number;
  /** So long an incomplete contribution waits for its sender. */
  readonly resumeMs: number;
  /** So many complete contributions of a session are folded together. */
  readonly foldAfter: number;
  /** How long a session lives unless it says otherwise, and at most. */
  readonly lifeMs: { readonly default: number; readonly max: number };
  /** So long what is over can still be asked for. */
  readonly rememberMs: number;
};

const DAY_MS = 86_400_000;

/** The limits of a service that nobody has told others. */
export const defaultLimits: SessionLimits = {
  sessions: 4096,
  streams: 256,
  stagingBytes: 64 * 2 ** 30,
  contributionBytes: 32 * 2 ** 30,
  headerBytes: 4 << 20,
  chunkBytes: { min: 256 << 10, max: 1 << 20 },
  windowBytes: 16 << 20,
  checkedAtOnceBytes: 8 << 20,
  stallMs: 30_000,
  takeOverMs: 3000,
  resumeMs: 3_600_000,
  foldAfter: 8,
  lifeMs: { default: DAY_MS, max: 30 * DAY_MS },
  rememberMs: DAY_MS,
};
