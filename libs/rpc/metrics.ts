import { histogram } from "#libs/telemetry/measures";
import { type Code, codeName } from "./code.ts";

/** Bounds of OpenTelemetry's conventions for RPC durations, in seconds. */
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

const durations = {
  client: histogram("rpc.client.call.duration", { unit: "s", description: "How long outgoing calls take, retries included.", boundaries }),
  server: histogram("rpc.server.call.duration", { unit: "s", description: "How long incoming calls take.", boundaries }),
};

/** Measures a call from now on; the result takes its code at its end. */
export function timeCall(side: keyof typeof durations, method: string): (code: Code) => void {
  const began = performance.now();
  return (code) => {
    const attributes = { "rpc.system.name": "grpc", "rpc.method": method, "rpc.response.status_code": codeName(code) };
    durations[side].record((performance.now() - began) / 1000, attributes);
  };
}
