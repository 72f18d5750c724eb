import { headers, type MsgHdrs } from "@nats-io/transport-node";

const ID_HEADER = "Nats-Msg-Id";

/** Headers for NATS. */
export function toNatsHeaders(plain: Readonly<Record<string, string>>): MsgHdrs {
  const result = headers();
  for (const [name, value] of Object.entries(plain)) result.set(name, value);
  return result;
}

/** The headers of a message as a plain object, without those of NATS itself, and the message's id. */
export function fromNatsHeaders(received: MsgHdrs | undefined): { id: string; headers: Record<string, string> } {
  const plain: Record<string, string> = {};
  for (const [name, values] of received ?? []) if (!name.startsWith("Nats-")) plain[name] = values[0] ?? "";
  return { id: received?.get(ID_HEADER) ?? "", headers: plain };
}
