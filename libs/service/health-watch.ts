import { pause, within } from "#libs/concurrency";
import type { HealthCheck } from "./service.ts";

/** How one check ended last. */
export type CheckResult = { readonly name: string /** Undefined when all is well. */; readonly problem: string | undefined };

export type HealthWatch = {
  /** The last results; before the first look every check has the problem that nobody has looked yet. */
  results(): readonly CheckResult[];
  /** All that is vital is there. */
  ready(): boolean;
  /** Looks again and again until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
};

const EVERY_MS = 1000;
/** A check that takes longer has failed. */
const PATIENCE_MS = 1000;

/**
 * Looks every second at what a service needs and tells health: a name for each check, the gRPC services that depend on it, and "" for the
 * whole, which stands as long as everything vital does.
 */
export function watchHealth(
  checks: readonly HealthCheck[],
  services: readonly string[],
  set: (name: string, serving: boolean) => void,
  onChange: (check: string, problem: string | undefined) => void = () => {},
): HealthWatch {
  const problems = new Map<string, string | undefined>(checks.map(({ name }) => [name, "not looked at yet"]));
  const ready = () => checks.every(({ name, vital }) => !vital || problems.get(name) === undefined);
  let first = true;
  const look = async () => {
    await Promise.all(
      checks.map(async ({ name, check }) => {
        const problem = await problemOf(check);
        if (first ? problem !== undefined : problem !== problems.get(name)) onChange(name, problem);
        problems.set(name, problem);
      }),
    );
    first = false;
    for (const { name } of checks) set(name, problems.get(name) === undefined);
    for (const service of services) {
      const missing = checks.some(({ name, serves }) => serves?.includes(service) && problems.get(name) !== undefined);
      set(service, ready() && !missing);
    }
    set("", ready());
  };
  return {
    results: () => [...problems].map(([name, problem]) => ({ name, problem })),
    ready,
    async run(signal) {
      while (!signal.aborted) {
        await look();
        await pause(EVERY_MS, signal);
      }
    },
  };
}

async function problemOf(check: () => Promise<void>): Promise<string | undefined> {
  try {
    const answered = await within(
      PATIENCE_MS,
      check().then(() => true),
    );
    return answered ? undefined : `no answer within ${PATIENCE_MS} ms`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
