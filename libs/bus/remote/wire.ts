import type { MessageInitShape } from "@bufbuild/protobuf";
import { invalidArgument } from "#libs/rpc";
import type { ConsumeRequestSchema, Settlement } from "#proto/ratatouille/v1/bus_pb.ts";
import type { Outcome } from "../types.ts";

/** The request that settles or extends a delivery. */
export function toSettleRequest(sequence: bigint, delivery: number, outcome: Outcome): MessageInitShape<typeof ConsumeRequestSchema> {
  return { action: { case: "settle", value: { sequence, delivery, outcome: toWireOutcome(outcome) } } };
}

/** The outcome that a request tells of. */
export function fromWireOutcome({ outcome }: Settlement): Outcome {
  switch (outcome.case) {
    case "ack":
      return { type: "ack" };
    case "nakDelayMs":
      return { type: "nak", delayMs: outcome.value };
    case "terminate":
      return { type: "terminate", reason: outcome.value };
    case "working":
      return { type: "working" };
    default:
      throw invalidArgument("settle.outcome is missing: ack, nak_delay_ms, terminate or working", {
        violations: [{ field: "settle.outcome", description: "is missing" }],
      });
  }
}

function toWireOutcome(outcome: Outcome) {
  switch (outcome.type) {
    case "ack":
      return { case: "ack", value: true } as const;
    case "nak":
      return { case: "nakDelayMs", value: Math.max(0, Math.ceil(outcome.delayMs)) } as const;
    case "terminate":
      return { case: "terminate", value: outcome.reason } as const;
    case "working":
      return { case: "working", value: true } as const;
    default:
      throw new TypeError(`no such outcome: ${JSON.stringify(outcome satisfies never)}`);
  }
}
