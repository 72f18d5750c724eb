/**
 * A relay that holds all bytes back for so long, and never more of them: a long way, not a narrow one. Ends with its stdin; prints {}.
 * Arguments: port to listen on, port to pass on to, milliseconds each way.
 */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** So many bytes may be on their way: above what a stream and its connection may have outstanding. */
const MOST_BYTES = 64 << 20;

const [listen = 0, target = 0, delayMs = 5] = process.argv.slice(2).map(Number);

/** Passes on what comes, each piece so much later, in order. */
function pass(from: Socket, to: Socket): void {
  const waiting: { readonly due: number; readonly piece: Buffer }[] = [];
  let bytes = 0;
  let timing = false;
  const send = () => {
    timing = false;
    for (let next = waiting[0]; next !== undefined && next.due <= performance.now(); next = waiting[0]) {
      waiting.shift();
      bytes -= next.piece.length;
      to.write(next.piece);
    }
    if (bytes < MOST_BYTES) from.resume();
    if (waiting[0] !== undefined) wake(Math.max(0, waiting[0].due - performance.now()));
  };
  const wake = (ms: number) => {
    if (!timing) setTimeout(send, ms);
    timing = true;
  };
  from.on("data", (piece: Buffer) => {
    waiting.push({ due: performance.now() + delayMs, piece });
    bytes += piece.length;
    if (bytes >= MOST_BYTES) from.pause();
    wake(delayMs);
  });
  from.on("close", () => to.destroy());
  from.on("error", () => to.destroy());
}

const server = createServer({ noDelay: true }, (client) => {
  const upstream = connect({ port: target, host: "127.0.0.1", noDelay: true });
  pass(client, upstream);
  pass(upstream, client);
});
server.listen(listen, "127.0.0.1");
process.stdin.resume();
await once(process.stdin, "end");
process.stdout.write("{}", () => process.exit(0));
