/** What is measured: the rest of `#libs/telemetry` loads what logs and traces, without which a thread that only makes calls starts sooner. */
export { histogram } from "../metrics.ts";
export { transfers } from "../transfers.ts";
