import { bytes } from "#libs/text";
import { aligned } from "./aligned.ts";
import type { ProcessUsage } from "./report.ts";

/** What is shown of processes, column by column. */
export const processColumns: readonly { readonly head: string; readonly of: (process: ProcessUsage) => number }[] = [
  { head: "most memory", of: ({ peakMemoryBytes }) => peakMemoryBytes },
  { head: "received", of: ({ receivedBytes }) => receivedBytes },
  { head: "sent", of: ({ sentBytes }) => sentBytes },
  { head: "blobs down", of: ({ downloadedBytes }) => downloadedBytes },
  { head: "blobs up", of: ({ uploadedBytes }) => uploadedBytes },
];

/** What the columns are, in one sentence. */
export const processesCaption =
  "Most memory of each process, bytes over gRPC, and of these blobs taken from the catalog (down) and brought there (up)";

/**
 * What the processes used as text: a table of 80 columns at most where names are of usual length. Ends with a line break, empty without processes.
 * @example
 * ```ts
 * const moved = { receivedBytes: 2_000, sentBytes: 45_000_000, downloadedBytes: 0, uploadedBytes: 44_000_000 };
 * const text = renderProcesses([{ name: "trainer-1", peakMemoryBytes: 1_500_000_000, ...moved }]);
 * text.split("\n")[2]; // "trainer-1       1.5 GB    2.0 kB  45 MB         0 B     44 MB"
 * ```
 */
export function renderProcesses(processes: readonly ProcessUsage[] = []): string {
  if (processes.length === 0) return "";
  const rows = processes.map((process) => [process.name, ...processColumns.map(({ of }) => bytes(of(process)))]);
  const all = [["process", ...processColumns.map(({ head }) => head)], ...rows];
  return [`${processesCaption}:`, ...aligned(all, "  "), ""].join("\n");
}
