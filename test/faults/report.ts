import type { Case } from "./case.ts";
import { type Kind, kinds } from "./schedule.ts";

/** What people read of the suite. */
export type Report = {
  killed(kind: Kind): void;
  passed(done: Case, seed: number, ms: number, sentence: string): void;
  failed(broken: Case, seed: number, ms: number, error: unknown, kept?: string): void;
  /** Writes the totals and gives the exit code. */
  end(ms: number): number;
};

/** Writes one line for each case, and for one that failed how to repeat it. */
export function createReport(write: (text: string) => void): Report {
  const kills = new Map<Kind, number>(kinds.map((kind) => [kind, 0]));
  const count = { passed: 0, failed: 0 };
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  return {
    killed: (kind) => void kills.set(kind, (kills.get(kind) ?? 0) + 1),
    passed({ name }, seed, ms, sentence) {
      count.passed += 1;
      write(`ok     ${name} (seed ${seed}, ${seconds(ms)}): ${sentence}\n`);
    },
    failed({ name }, seed, ms, error, kept) {
      count.failed += 1;
      write(`FAILED ${name} (seed ${seed}, ${seconds(ms)}); again: npm run test:faults -- --only ${name} --seed ${seed}\n`);
      write(`${describe(error).replaceAll(/^/gm, "  ")}\n`);
      if (kept !== undefined) write(`  its files: ${kept}\n`);
    },
    end(ms) {
      const killed = [...kills].filter(([, times]) => times > 0).map(([kind, times]) => `${kind} ${times}`);
      if (killed.length > 0) write(`killed: ${killed.join(", ")}\n`);
      write(`${count.passed} passed, ${count.failed} failed (${seconds(ms)})\n`);
      return count.failed > 0 || count.passed === 0 ? 1 : 0;
    },
  };
}

/** An error with what caused it. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.stack?.includes(error.message) ? error.stack : `${error.name}: ${error.message}\n${error.stack ?? ""}`;
  return error.cause === undefined ? text : `${text}\ncaused by ${describe(error.cause)}`;
}
