import { setTimeout as sleep } from "node:timers/promises";
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { AuthorizationError, connect, type NatsConnection } from "@nats-io/transport-node";
import { after, createPulse, within } from "#libs/concurrency";
import { BusUnavailableError } from "../errors.ts";
import { accessOptions, type NatsAccess } from "./access.ts";

/** One time of being connected, from a connection to its loss. */
export type Session = {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  /** Aborts when the connection is lost. What waits for an answer waits in vain then. */
  readonly lost: AbortSignal;
};

/** A connection that is opened again whenever it is lost, for ever. */
export type Link = {
  /** The session, as soon as there is one; undefined once the signal aborts. */
  wait(signal: AbortSignal): Promise<Session | undefined>;
  /** The session, which may take a little. @throws BusUnavailableError with the reason why there is none */
  session(patienceMs: number): Promise<Session>;
  close(): Promise<void>;
};

/** Where what happens is told; a pino logger, for example. */
export type BusLog = { info(fields: object, message: string): void; warn(fields: object, message: string): void };

/** Shorter than those who publish wait: they are told why there is no connection. */
const CONNECT_TIMEOUT_MS = 1_800;
const RECONNECT_MS = 250;
const PREPARE_MS = 100;
/** A server that says nothing any more is found out in half a minute. */
const PING_MS = 10_000;
const CLOSE_MS = 1_000;

/** Opens a link and returns at once. `prepare` runs on each new session before anybody gets it, and again until it succeeds. */
export function openLink(parts: {
  servers: readonly string[];
  access: NatsAccess;
  prepare: (session: Session) => Promise<void>;
  log: BusLog | undefined;
}): Link {
  const { servers, access, prepare, log } = parts;
  const changed = createPulse();
  const closing = new AbortController();
  let session: Session | undefined;
  let losing = new AbortController();
  let connection: NatsConnection | undefined;
  let reason = `no connection to NATS at ${servers.join(", ")} yet`;

  const explain = (text: string) => {
    if (text === reason) return;
    reason = text;
    if (!closing.signal.aborted) log?.warn({ servers, reason }, "there is no bus; trying again");
  };

  function lose(text: string): void {
    losing.abort();
    session = undefined;
    explain(text);
    changed.beat();
  }

  async function establish(connected: NatsConnection): Promise<void> {
    losing = new AbortController();
    const lost = losing.signal;
    while (!lost.aborted && !closing.signal.aborted) {
      try {
        const manager = await jetstreamManager(connected, { checkAPI: false });
        const next = { connection: connected, client: jetstream(connected), manager, lost };
        await prepare(next);
        if (lost.aborted) return;
        session = next;
        reason = "";
        log?.info({ server: connected.getServer() }, "connected to the bus");
        return changed.beat();
      } catch (error) {
        if (!lost.aborted) explain(`NATS at ${connected.getServer()} is not ready: ${(error as Error).message}`);
        await sleep(PREPARE_MS);
      }
    }
  }

  async function keep(connected: NatsConnection): Promise<void> {
    void establish(connected);
    for await (const { type } of connected.status()) {
      if (type === "disconnect") lose(`the connection to NATS at ${servers.join(", ")} is lost`);
      if (type === "reconnect") void establish(connected);
    }
    // Closed for good, as after a refused login; a new one may be taken.
    lose(`the connection to NATS at ${servers.join(", ")} is closed`);
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        connection = await connect({
          ...accessOptions(access),
          servers: [...servers],
          name: "ratatouille",
          timeout: CONNECT_TIMEOUT_MS,
          maxReconnectAttempts: -1,
          reconnectTimeWait: RECONNECT_MS,
          reconnectJitter: RECONNECT_MS,
          pingInterval: PING_MS,
        });
        if (closing.signal.aborted) await connection.close();
        else await keep(connection);
      } catch (cause) {
        const where = servers.join(", ");
        const { message } = cause as Error;
        explain(
          cause instanceof AuthorizationError
            ? `NATS at ${where} refuses this program: ${message}`
            : `no NATS server at ${where}: ${message}`,
        );
      }
      await sleep(RECONNECT_MS, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  }
  void run();

  async function wait(signal: AbortSignal): Promise<Session | undefined> {
    for (;;) {
      const seen = changed.version;
      if (signal.aborted || closing.signal.aborted) return undefined;
      if (session) return session;
      await changed.changed(seen, signal);
    }
  }

  return {
    wait,
    async session(patienceMs) {
      if (closing.signal.aborted) throw new BusUnavailableError("the bus is closed");
      if (session) return session;
      const patience = new AbortController();
      using _ = after(patienceMs, () => patience.abort());
      const found = await wait(patience.signal);
      if (!found) throw new BusUnavailableError(reason);
      return found;
    },
    async close() {
      closing.abort();
      const open = connection;
      session = undefined;
      changed.beat();
      if (open) await drain(open, losing.signal);
      losing.abort();
    },
  };
}

/** What is written goes out first, if there is somebody to take it. */
async function drain(connection: NatsConnection, lost: AbortSignal): Promise<void> {
  await within(
    lost.aborted ? 0 : CLOSE_MS,
    connection.drain().catch(() => undefined),
  );
  await connection.close();
}
