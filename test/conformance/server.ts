import { connect, type RpcChannel } from "#libs/rpc";
import { freePort } from "#libs/testing";
import { type Cli, startCli } from "../e2e/cli.ts";

/** A system without trainers of its own, which can be killed and comes back on the same data and port. */
export type Server = AsyncDisposable & {
  readonly address: string;
  /** Directly, past all that a check puts in between. */
  readonly channel: RpcChannel;
  /** Kills it, without a chance to do anything. */
  kill(): Promise<void>;
  /** Starts it again, unless it runs. */
  start(): Promise<void>;
};

/** Seconds without a report after which a trainer is lost: short, as nobody wants to wait for it. */
export const LEASE_SECONDS = 4;

/** Starts `ratatouille up --trainers 0` on a data directory. */
export async function startServer(data: string): Promise<Server> {
  const address = `127.0.0.1:${await freePort()}`;
  const options = ["--data", data, "--listen", address, "--trainers", "0", "--lease-seconds", String(LEASE_SECONDS)];
  let running: Cli | undefined;
  const kill = async () => {
    await running?.[Symbol.asyncDispose]();
    running = undefined;
  };
  const start = async () => {
    if (running) return;
    running = startCli(["up", ...options]);
    await running.line("listens on");
  };
  await start();
  const channel = connect(address);
  return {
    address,
    channel,
    kill,
    start,
    async [Symbol.asyncDispose]() {
      channel.close();
      await kill();
    },
  };
}
