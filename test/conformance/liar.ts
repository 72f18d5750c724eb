import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { connect, forward, type ServiceRegistration, serve } from "#libs/rpc";
import { CatalogService, DownloadBlobRequestSchema, DownloadBlobResponseSchema } from "#proto/ratatouille/v1/catalog_pb.ts";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";

/** Which byte of which blob arrives wrong, and how often. */
type Lie = { readonly digest: string; readonly position: number; readonly lies: number };

/** A system before a system: it passes everything on, but for one byte. */
export type Liar = AsyncDisposable & {
  readonly address: string;
  /** How often the byte was sent wrong, and, after that, right. */
  told(): number;
  honest(): number;
};

/** Passes calls on to a system, and turns over a bit of a blob that is downloaded. */
export async function startLiar(target: string, lie: Lie): Promise<Liar> {
  const channel = connect(target);
  const count = { told: 0, honest: 0 };
  const services = [forward(SystemService, channel), forward(FinetuneService, channel)];
  const server = await serve({
    address: "127.0.0.1:0",
    services: [...services, lying(forward(CatalogService, channel), lie, count)],
    drainMs: 200,
  });
  return {
    address: server.address,
    told: () => count.told,
    honest: () => count.honest,
    async [Symbol.asyncDispose]() {
      channel.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

function lying(
  { methods, ...rest }: ServiceRegistration,
  { digest, position, lies }: Lie,
  count: { told: number; honest: number },
): ServiceRegistration {
  const change = (one: (typeof methods)[number]): typeof one => {
    if (one.method !== CatalogService.method.downloadBlob) return one;
    return {
      ...one,
      async *handler(requests, context) {
        const [bytes = new Uint8Array()] = await Array.fromAsync(requests);
        const asked = fromBinary(DownloadBlobRequestSchema, bytes);
        let at = Number(asked.offset);
        for await (const reply of one.handler(only(bytes), context)) {
          const message = fromBinary(DownloadBlobResponseSchema, reply);
          const place = position - at;
          at += message.chunk.length;
          if (asked.digest !== digest || place < 0 || place >= message.chunk.length) yield reply;
          else if (count.told < lies) {
            count.told += 1;
            const chunk = message.chunk.slice();
            chunk[place]! ^= 1;
            yield Buffer.from(toBinary(DownloadBlobResponseSchema, { ...message, chunk }));
          } else {
            count.honest += 1;
            yield reply;
          }
        }
      },
    };
  };
  return { ...rest, methods: methods.map(change) };
}

async function* only<T>(value: T): AsyncGenerator<T, void, undefined> {
  yield value;
}
