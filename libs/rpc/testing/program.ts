import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { connect, isRpcError } from "../index.ts";
import { pair } from "./pair.ts";

// A program for process.test.ts: `program.ts MODE ADDRESS`. Its output is what the test waits for.

const [mode, address = ""] = process.argv.slice(2);
const say = (line: string) => process.stdout.write(`${line}\n`);

switch (mode) {
  case "fail": {
    using channel = connect(address);
    await channel.ready(200).catch((error) => say(`failed ${isRpcError(error)}`));
    break;
  }
  case "finish": {
    await using p = await pair({ catalog: { getArtifact: () => ({}) } });
    await p.catalog.getArtifact({}, { timeoutMs: 60_000 });
    say("called");
    break;
  }
  case "abandon": {
    using channel = connect(address);
    const stream = channel.client(CatalogService).downloadBlob({}, { timeoutMs: 60_000 })[Symbol.asyncIterator]();
    await stream.next();
    stream.next().catch(() => say("cancelled"));
    break;
  }
  case "hold": {
    const channel = connect(address);
    for await (const _ of channel.client(CatalogService).downloadBlob({}, { timeoutMs: 0 })) say("holding");
    break;
  }
  case "serve": {
    const p = await pair({
      catalog: {
        async *downloadBlob() {
          yield {};
          await new Promise(() => {});
        },
      },
    });
    say(`at ${p.server.address}`);
    break;
  }
}
