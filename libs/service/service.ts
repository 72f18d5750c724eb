import type { ServiceRegistration } from "#libs/rpc";

/** One thing that a service needs. */
export type HealthCheck = {
  /** What it is: `database`, `blobs`, `bus`. It is a name that health answers for. */
  readonly name: string;
  /** Whether the service cannot answer its callers without it. */
  readonly vital: boolean;
  /** Rejects with the reason while it is not there. Comes back soon. */
  check(): Promise<void>;
  /** The gRPC services that cannot be served without it, by their full names; health says so of them. */
  readonly serves?: readonly string[];
};

/** One service, wired to what it needs, ready to be served: alone in a process or beside the others on one port. */
export type Service = AsyncDisposable & {
  /** The folder's name: `catalog`, `finetune`, … */
  readonly name: string;
  /** Its gRPC services. */
  readonly registrations: readonly ServiceRegistration[];
  /** Its background loops (consumers, outbox relay, sweeps): resolves when `signal` aborts and they have ended, rejects when one breaks. */
  run(signal: AbortSignal): Promise<void>;
  /** What it needs beside its callers: looked at again and again, and told to those who ask for its health. */
  readonly checks: readonly HealthCheck[];
};
