import { join } from "node:path";
import { startCli } from "../e2e/cli.ts";
import { type Holdings, holdingsOf } from "./holdings.ts";
import { type Recycled, recycle, runFileOf } from "./recycle.ts";

/** What undisturbed runs make, on one embedded system: the runs of seeds 1, 2, … in this order. */
export type Reference = AsyncDisposable & {
  /** What the run of a seed makes. */
  digests(seed: number): Promise<Recycled["digests"]>;
  /** What a system holds after the runs of all seeds up to this one. */
  holdings(seed: number): Promise<Holdings>;
};

/**
 * Starts the system when it is first asked, and runs what it is asked for.
 * @param change of the text of the run file.
 */
export function createReference(directory: string, signal: AbortSignal, change?: (text: string) => string): Reference {
  const stack = new AsyncDisposableStack();
  const made: { readonly digests: Recycled["digests"]; readonly holdings: Holdings }[] = [];
  let address: Promise<string> | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const start = async () => {
    const server = stack.use(startCli(["up", "--listen", "127.0.0.1:0", "--data", join(directory, "data"), "--trainers", "2"], { signal }));
    return /listens on (127\.0\.0\.1:\d+);/.exec(await server.line("listens on"))?.[1] ?? "";
  };
  const upTo = async (seed: number) => {
    while (made.length < seed) {
      address ??= start();
      const { digests } = await recycle(await address, await runFileOf(made.length + 1, change), { signal });
      made.push({ digests, holdings: await holdingsOf(await address) });
    }
    return made[seed - 1] as (typeof made)[number];
  };
  const inTurn = (seed: number) => {
    const turn = last.then(() => upTo(seed));
    last = turn.catch(() => undefined);
    return turn;
  };
  return {
    digests: async (seed) => (await inTurn(seed)).digests,
    holdings: async (seed) => (await inTurn(seed)).holdings,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
