/**
 * Calls GetArtifact over so many connections, one call after another on each, for some seconds, with as little of its own as may be: frames
 * that are made once, answers that are counted. Prints JSON: calls a second.
 */
import { connect } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { GetArtifactRequestSchema } from "#proto/ratatouille/v1/catalog_pb.ts";

const [address = "", connections = "", seconds = "", ...digests] = process.argv.slice(2);
const frames = digests.map((value) => {
  const message = toBinary(GetArtifactRequestSchema, create(GetArtifactRequestSchema, { name: { case: "digest", value } }));
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
});
const headers = {
  ":method": "POST",
  ":path": "/ratatouille.v1.CatalogService/GetArtifact",
  "content-type": "application/grpc",
  te: "trailers",
};
let [done, next] = [0, 0];
const until = performance.now() + 1000 * Number(seconds);
const started = performance.now();

async function call(session: ReturnType<typeof connect>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stream = session.request(headers);
  stream.on("trailers", (trailers) => {
    if (trailers["grpc-status"] !== "0") reject(new Error(`status ${trailers["grpc-status"]}: ${trailers["grpc-message"]}`));
  });
  stream.on("error", reject).on("close", resolve).resume();
  stream.end(frames[next++ % frames.length]);
  await promise;
  done++;
}

await Promise.all(
  Array.from({ length: Number(connections) }, async () => {
    const session = connect(`http://${address}`);
    while (performance.now() < until) await call(session);
    session.close();
  }),
);
process.stdout.write(JSON.stringify((1000 * done) / (performance.now() - started)));
