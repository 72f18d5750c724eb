import { setTimeout as sleep } from "node:timers/promises";
import { uniform } from "#libs/deterministic";
import { freePort, waitFor } from "#libs/testing";
import { type Cli, startCli } from "../e2e/cli.ts";
import { isAlive, trainersOf } from "../e2e/processes.ts";
import type { Case } from "./case.ts";
import { checkRunning, checkStopped } from "./check.ts";
import { recycle, runFileOf } from "./recycle.ts";
import { makeSandbox } from "./sandbox.ts";

/** Blows to the whole process group, to the process alone, whose trainers have to follow, and to one trainer. */
const blows = ["group", "process", "trainer"] as const;

/** Everything in one process, which is killed over and over, and so are its trainers. */
export function killEmbedded(name: string, runs: number, { subset, limitMs }: Pick<Case, "subset" | "limitMs">): Case {
  return {
    name,
    subset,
    limitMs,
    async run({ seed, directory, signal, reference, killed }) {
      const sandbox = await makeSandbox(directory);
      const address = `127.0.0.1:${await freePort()}`;
      let [kills, attempts, jobs, draws] = [0, 0, 0, 0];
      const draw = () => uniform(seed, draws++);
      const start = () => {
        const args = ["up", "--listen", address, "--data", sandbox.data, "--trainers", "2"];
        return startCli(args, { env: { ...sandbox.env }, signal });
      };
      let server: Cli = start();
      const strike = async () => {
        const blow = blows[Math.floor(draw() * blows.length)] ?? "group";
        const trainers = trainersOf(server.pid);
        kills += 1;
        if (blow === "trainer") {
          const victim = trainers[Math.floor(draw() * trainers.length)];
          if (victim === undefined) return;
          process.kill(victim, "SIGKILL");
          return killed("trainer");
        }
        if (blow === "group") server.signalGroup("SIGKILL");
        else server.signal("SIGKILL");
        await server.ended;
        await waitFor(() => !trainers.some(isAlive), { timeoutMs: 3_000, what: `the end of trainers whose ${blow} was killed` });
        for (const _ of trainers) killed("trainer");
        server = start();
      };
      try {
        for (let run = 1; run <= runs; run++) {
          const over = new AbortController();
          const recycled = recycle(address, await runFileOf(run), { signal }).finally(() => over.abort());
          recycled.catch(() => undefined);
          for (let blow = 0; blow < 4; blow++) {
            await sleep(300 + 1500 * draw(), undefined, { signal: AbortSignal.any([over.signal, signal]) }).catch(() => undefined);
            if (over.signal.aborted || signal.aborted) break;
            await strike();
          }
          const done = await checkRunning({ address, data: sandbox.data }, run, await recycled, reference());
          [jobs, attempts] = [done.jobs, done.attempts];
        }
        server.signalGroup("SIGTERM");
        const { code, stderr } = await server.ended;
        if (code !== 0) throw new Error(`the server ended with ${code}: ${stderr}`);
      } finally {
        await server[Symbol.asyncDispose]();
      }
      await checkStopped(sandbox);
      return `${runs} runs, ${kills} kills, ${attempts} attempts for ${jobs} jobs`;
    },
  };
}
