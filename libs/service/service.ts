import type { ServiceRegistration } from "#libs/rpc";

/** One service, wired to what it needs, ready to be served: alone in a process or beside the others on one port. */
export type Service = AsyncDisposable & {
  /** The folder's name: `catalog`, `finetune`, … */
  readonly name: string;
  /** Its gRPC services. */
  readonly registrations: readonly ServiceRegistration[];
  /** Its background loops (consumers, outbox relay, sweeps): resolves when `signal` aborts and they have ended, rejects when one breaks. */
  run(signal: AbortSignal): Promise<void>;
};
