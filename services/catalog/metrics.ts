import { counter } from "#libs/telemetry";

/** Bytes of blobs that came in and went out, with `ratatouille.direction` "in" or "out". */
const blobIo = counter("ratatouille.blob.io", { unit: "By", description: "Bytes of blobs that were received and sent." });

/** Counts what was transferred; once a blob, not once a chunk. */
export function countBlob(direction: "in" | "out", bytes: number): void {
  blobIo.add(bytes, { "ratatouille.direction": direction });
}
