import { readFile } from "node:fs/promises";

/** Linux counts CPU time in hundredths of a second towards programs, whatever the kernel uses. */
const TICK_MS = 10;

/** CPU time that a process has used so far, in milliseconds; undefined where there is no /proc, or no such process. */
export async function cpuTimeOfMs(pid: number | undefined): Promise<number | undefined> {
  const stat = await readProc(pid, "stat");
  // The name, in parentheses, may contain anything; utime and stime are the 12th and 13th field after it.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields && (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory of a process, and its share of it (what several processes share is divided among them), in MB. */
export async function memoryOf(pid: number | undefined): Promise<{ readonly rssMb: number; readonly pssMb: number } | undefined> {
  const rollup = await readProc(pid, "smaps_rollup");
  if (rollup === undefined) return undefined;
  const mb = (field: string) => (Number(new RegExp(`^${field}: *(\\d+) kB`, "m").exec(rollup)?.[1]) * 1024) / 1e6;
  return { rssMb: mb("Rss"), pssMb: mb("Pss") };
}

/** The most resident memory that a process has had so far, in MB. */
export async function peakMemoryMb(pid: number | undefined): Promise<number | undefined> {
  const [, kb] = /^VmHWM:\s*(\d+) kB/m.exec((await readProc(pid, "status")) ?? "") ?? [];
  return kb === undefined ? undefined : (Number(kb) * 1024) / 1e6;
}

async function readProc(pid: number | undefined, name: string): Promise<string | undefined> {
  return readFile(`/proc/${pid}/${name}`, "utf8").catch(() => undefined);
}
