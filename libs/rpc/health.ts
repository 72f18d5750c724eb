import { quote } from "#libs/text";
import { Health, HealthCheckResponse_ServingStatus as Status } from "#proto/grpc/health/v1/health_pb.ts";
import { notFound, resourceExhausted } from "./errors.ts";
import { implement, type ServiceRegistration } from "./implement.ts";

/** The name under which health says that the process answers at all, whatever it can do. */
const LIVE = "live";

/** Watches that callers without the server's token may have open, all together: a few for each who looks after a system. */
const STRANGERS_WATCHES = 100;

/** The state behind grpc.health.v1. "" stands for the whole server: that it is ready for calls. */
export type HealthState = {
  readonly registration: ServiceRegistration;
  set(service: string, serving: boolean): void;
  /** Everything but `live` to NOT_SERVING. */
  stopServing(): void;
};

/**
 * Health of these services: all of them SERVING at first, or none until it is said.
 * @param isKnown whether a caller may have as many watches as it likes; all others share 100 (RESOURCE_EXHAUSTED, WATCH_QUOTA)
 */
export function createHealth(
  services: readonly string[],
  {
    serving = true,
    isKnown = () => true,
  }: { serving?: boolean | undefined; isKnown?: (metadata: ReadonlyMap<string, string>) => boolean } = {},
): HealthState {
  let strangers = 0;
  const first = serving ? Status.SERVING : Status.NOT_SERVING;
  const statuses = new Map<string, Status>(["", ...services].map((name) => [name, first]));
  statuses.set(LIVE, Status.SERVING);
  const watchers = new Set<() => void>();
  const set = (service: string, serving: boolean) => {
    statuses.set(service, serving ? Status.SERVING : Status.NOT_SERVING);
    for (const wake of watchers) wake();
  };
  const registration = implement(Health, {
    check({ service }) {
      const status = statuses.get(service);
      if (status === undefined) throw notFound(`this server has no service ${quote(service)}`, { reason: "SERVICE_UNKNOWN" });
      return { status };
    },
    list: () => ({ statuses: Object.fromEntries([...statuses].map(([service, status]) => [service, { status }])) }),
    async *watch({ service }, { signal, metadata }) {
      const stranger = isKnown(metadata) ? 0 : 1;
      if (stranger > 0 && strangers >= STRANGERS_WATCHES) {
        const message = `${STRANGERS_WATCHES} callers without a token watch the health of this server, which is the limit; ask by Check, or send the token`;
        throw resourceExhausted(message, { reason: "WATCH_QUOTA", metadata: { limit: String(STRANGERS_WATCHES) } });
      }
      strangers += stranger;
      let wake = () => {};
      const onChange = () => wake();
      watchers.add(onChange);
      signal.addEventListener("abort", onChange);
      try {
        for (let sent: Status | undefined; ; ) {
          signal.throwIfAborted();
          const status = statuses.get(service) ?? Status.SERVICE_UNKNOWN;
          if (status !== sent) {
            sent = status;
            yield { status };
          } else {
            const { promise, resolve } = Promise.withResolvers<void>();
            wake = resolve;
            await promise;
          }
        }
      } finally {
        strangers -= stranger;
        watchers.delete(onChange);
        signal.removeEventListener("abort", onChange);
      }
    },
  });
  return {
    registration: { ...registration, open: true },
    set,
    stopServing() {
      for (const service of statuses.keys()) if (service !== LIVE) set(service, false);
    },
  };
}
