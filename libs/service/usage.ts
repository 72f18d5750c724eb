import { readFileSync } from "node:fs";
import { transfers } from "#libs/telemetry";

/** What this process has used since it started, as `Usage` of the contract. All in bytes; a peak of 0 is not known. */
export type UsageHere = {
  readonly peakMemoryBytes: bigint;
  readonly receivedBytes: bigint;
  readonly sentBytes: bigint;
  readonly downloadedBytes: bigint;
  readonly uploadedBytes: bigint;
};

/** What this process has used since it started. */
export function usageHere(): UsageHere {
  return {
    peakMemoryBytes: BigInt(peakMemoryBytes()),
    receivedBytes: BigInt(transfers.received.value()),
    sentBytes: BigInt(transfers.sent.value()),
    downloadedBytes: BigInt(transfers.downloaded.value()),
    uploadedBytes: BigInt(transfers.uploaded.value()),
  };
}

/** What this process has used whenever it is asked, bytes moved since it was asked last. */
export function usageInTurns(): () => UsageHere {
  let last = usageHere();
  return () => {
    const before = last;
    last = usageHere();
    return {
      peakMemoryBytes: last.peakMemoryBytes,
      receivedBytes: last.receivedBytes - before.receivedBytes,
      sentBytes: last.sentBytes - before.sentBytes,
      downloadedBytes: last.downloadedBytes - before.downloadedBytes,
      uploadedBytes: last.uploadedBytes - before.uploadedBytes,
    };
  };
}

/** Resident memory of this process at its largest. */
function peakMemoryBytes(): number {
  // Linux counts into getrusage's figure what the parent had when it started this process.
  const kibibytes = linuxPeakKib() ?? process.resourceUsage().maxRSS;
  return kibibytes * 1024;
}

function linuxPeakKib(): number | undefined {
  if (process.platform !== "linux") return undefined;
  const peak = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return peak === undefined ? undefined : Number(peak);
}
