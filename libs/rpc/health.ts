import { Health, HealthCheckResponse_ServingStatus as Status } from "#proto/grpc/health/v1/health_pb.ts";
import { notFound } from "./errors.ts";
import { implement, type ServiceRegistration } from "./implement.ts";

/** The name under which health says that the process answers at all, whatever it can do. */
export const LIVE = "live";

/** The state behind grpc.health.v1. "" stands for the whole server: that it is ready for calls. */
export type HealthState = {
  readonly registration: ServiceRegistration;
  set(service: string, serving: boolean): void;
  /** Everything but `live` to NOT_SERVING. */
  stopServing(): void;
};

/** Health of these services: all of them SERVING at first, or none until it is said. */
export function createHealth(services: readonly string[], serving = true): HealthState {
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
      if (status === undefined) throw notFound(`this server has no service ${service}`, { reason: "SERVICE_UNKNOWN" });
      return { status };
    },
    list: () => ({ statuses: Object.fromEntries([...statuses].map(([service, status]) => [service, { status }])) }),
    async *watch({ service }, { signal }) {
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
