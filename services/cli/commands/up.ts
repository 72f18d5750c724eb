import { readFile } from "node:fs/promises";
import { VERSION } from "#libs/service";
import { type CommandContext, fileLogger, type GlobalOptions } from "../context.ts";
import { startEmbedded } from "../system/embedded.ts";

export type UpOptions = GlobalOptions & {
  readonly listen: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecure?: boolean;
};

/** `ratatouille up`: keeps the embedded system running until it is interrupted. */
export async function up(options: UpOptions, { stack, signal, stdout }: CommandContext): Promise<number> {
  const { data, listen, token, tlsCert, tlsKey, insecure, trainers } = options;
  const tls = tlsCert && tlsKey ? { certificate: await readFile(tlsCert), key: await readFile(tlsKey) } : undefined;
  const system = stack.use(
    await startEmbedded({
      dataDirectory: data,
      address: listen,
      ...{ token, tls, insecure, trainers },
      shared: true,
      openLog: () => fileLogger(data, "ratatouille"),
    }),
  );
  if (insecure) stdout.write(`INSECURE: whoever reaches ${system.address} may read and change everything.\n`);
  stdout.write(
    `ratatouille ${VERSION} listens on ${system.address}; data in ${data}. Ctrl-C stops it; what is unfinished goes on at the next start.\n`,
  );
  await Promise.race([aborted(signal), system.broken]);
  return 0;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
