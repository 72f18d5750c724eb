import { Health, HealthCheckResponse_ServingStatus as Status } from "#proto/grpc/health/v1/health_pb.ts";
import { notFound } from "./errors.ts";
import { implement, type ServiceRegistration } from "./implement.ts";

/** The state behind grpc.health.v1. "" stands for the whole server. */
export type HealthState = {
  readonly registration: ServiceRegistration;
  set(service: string, serving: boolean): void;
  /** Everything to NOT_SERVING. */
  stopServing(): void;
};

/** Health of these services, all of them SERVING at first. */
export function createHealth(services: readonly string[]): HealthState {
  const statuses = new Map<string, Status>(["", ...services].map((name) => [name, Status.SERVING]));
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
      for (const service of statuses.keys()) set(service, false);
    },
  };
}
