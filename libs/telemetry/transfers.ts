import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";

/** A sum over all threads of this process, exact to 2^53. */
type ProcessSum = {
  add(value: number): void;
  value(): number;
};

/** Under this name threads that start later find the memory of the sums. */
const SHARED = "ratatouille.transfers";
const NAMES = ["received", "sent", "downloaded", "uploaded"] as const;

const sums = new BigInt64Array(sharedMemory());

/**
 * Bytes that this process has moved, all threads together: messages of gRPC that it received and sent, and of these the content of blobs
 * that it downloaded from the catalog and uploaded to it. Who moves them adds them.
 */
export const transfers = Object.fromEntries(NAMES.map((name, i) => [name, sumAt(i)])) as {
  readonly [N in (typeof NAMES)[number]]: ProcessSum;
};

function sumAt(index: number): ProcessSum {
  return {
    add: (value) => void Atomics.add(sums, index, BigInt(value)),
    value: () => Number(Atomics.load(sums, index)),
  };
}

function sharedMemory(): SharedArrayBuffer {
  const given = isMainThread ? undefined : getEnvironmentData(SHARED);
  if (given instanceof SharedArrayBuffer) return given;
  const own = new SharedArrayBuffer(NAMES.length * BigInt64Array.BYTES_PER_ELEMENT);
  setEnvironmentData(SHARED, own);
  return own;
}
