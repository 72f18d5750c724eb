import { setTimeout as sleep } from "node:timers/promises";
import { uniform } from "#libs/deterministic";
import { startProxy, type TcpProxy } from "#libs/testing";
import type { Case } from "./case.ts";
import { checkRunning, checkStopped } from "./check.ts";
import { type Distributed, startDistributed } from "./distributed.ts";
import { recycle, runFileOf } from "./recycle.ts";
import { makeSandbox } from "./sandbox.ts";

/** What happens to connections: bytes come late, or one end is gone, or says no more. */
const faults = ["delay", "cut", "half-close towards the client", "half-close towards the server"] as const;

/** Between the client and the gateway, the services and the catalog, the trainers and the fine-tune service. */
const lines = ["client and gateway", "services and catalog", "trainers and finetune"] as const;

/** Connections are disturbed in mid-stream, over and over, on three lines. */
export function connections(name: string, runs: number, { subset, limitMs }: Pick<Case, "subset" | "limitMs">): Case {
  return {
    name,
    subset,
    limitMs,
    async run({ seed, directory, signal, reference }) {
      const sandbox = await makeSandbox(directory);
      const counts = new Map<string, number>();
      let said = "";
      {
        let distributed: Distributed | undefined;
        const addressOf = (program: string) => () => distributed?.program(program).address ?? "127.0.0.1:1";
        await using client = await startProxy(addressOf("gateway"));
        await using catalog = await startProxy(addressOf("catalog"));
        await using finetune = await startProxy(addressOf("finetune"));
        await using system = await startDistributed(sandbox, {
          env: { RATATOUILLE_CATALOG: catalog.address },
          trainerEnv: { RATATOUILLE_FINETUNE: finetune.address },
        });
        // Until now nothing passed: nobody needs anybody to be ready.
        distributed = system;
        const proxies = [client, catalog, finetune];
        let draws = 0;
        const draw = () => uniform(seed, draws++);
        let interruptions = 0;
        for (let run = 1; run <= runs; run++) {
          const over = new AbortController();
          const recycled = recycle(client.address, await runFileOf(run), { signal }).finally(() => over.abort());
          recycled.catch(() => undefined);
          const quiet = AbortSignal.any([over.signal, signal]);
          for (let blow = 0; blow < 12 && !quiet.aborted; blow++) {
            const which = Math.floor(proxies.length * draw());
            const fault = faults[Math.floor(faults.length * draw())] ?? "cut";
            const proxy = proxies[which] as TcpProxy;
            await inMidStream(proxy, Math.floor(20_000 * draw() ** 2), quiet);
            if (quiet.aborted) break;
            counts.set(fault, (counts.get(fault) ?? 0) + 1);
            disturb(proxy, fault, 20 + 200 * draw());
            await sleep(300 * draw(), undefined, { signal: quiet }).catch(() => undefined);
          }
          for (const proxy of proxies) proxy.delayMs = 0;
          interruptions += (await recycled).interruptions.length;
          const { jobs, attempts } = await checkRunning(system, run, await recycled, reference());
          const done = [...counts].map(([fault, times]) => `${times} × ${fault}`).join(", ");
          said = `${done} between ${lines.join(", ")}; ${attempts} attempts for ${jobs} jobs, ${interruptions} times the client had to begin again`;
        }
      }
      await checkStopped(sandbox);
      return said;
    },
  };
}

/** Waits until so many more bytes went through, or half a second. */
export async function inMidStream(proxy: TcpProxy, bytes: number, signal: AbortSignal): Promise<void> {
  const enough = proxy.bytes + bytes;
  const giveUpAt = performance.now() + 500;
  while (proxy.bytes < enough && performance.now() < giveUpAt && !signal.aborted) await sleep(2);
}

export function disturb(proxy: TcpProxy, fault: (typeof faults)[number], delayMs: number): void {
  proxy.delayMs = fault === "delay" ? delayMs : 0;
  if (fault === "cut") proxy.cut();
  if (fault === "half-close towards the client") proxy.halfClose("client");
  if (fault === "half-close towards the server") proxy.halfClose("server");
}
