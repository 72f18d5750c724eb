import { readdirSync, readFileSync } from "node:fs";

/** The trainers that a process has started. Reads /proc. */
export function trainersOf(parent: number): number[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    return Number.isInteger(pid) && statusOf(pid)?.parent === parent && commandOf(pid).includes("cli/main.ts\0trainer") ? [pid] : [];
  });
}

/** Whether a process runs. A zombie has ended: in a container it stays until process 1 takes note. */
export function isAlive(pid: number): boolean {
  const status = statusOf(pid);
  return status !== undefined && status.state !== "Z";
}

function statusOf(pid: number): { readonly state: string; readonly parent: number } | undefined {
  // pid (command) state parent …, and the command may contain anything.
  const text = read(`/proc/${pid}/stat`);
  const [state = "", parent = ""] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return text === "" ? undefined : { state, parent: Number(parent) };
}

function commandOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
