import { readFile } from "node:fs/promises";
import { checkListener, type ServerTls } from "#libs/rpc";
import { readSettings, UsageError, VERSION } from "#libs/service";
import { settings as webSettings } from "../../../web/settings.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { fileLogger } from "../../file-logger.ts";
import { fileProblem } from "../../file-problem.ts";
import { startEmbedded } from "../../system/embedded.ts";
import { writeWrapped } from "../../write-wrapped.ts";

export type UpOptions = GlobalOptions & {
  readonly listen: string;
  readonly web?: string;
  readonly origins?: string;
  readonly oci?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecure?: boolean;
  readonly leaseSeconds?: number;
};

/** `ratatouille up`: keeps the embedded system running until it is interrupted. */
export async function up(options: UpOptions, { stack, signal, command, stdout }: CommandContext): Promise<number> {
  const { data, listen, web, oci, token, tlsCert, tlsKey, insecure, trainers, leaseSeconds } = options;
  const { origins } = readSettings({ origins: webSettings.origins }, { flags: options, env: {} });
  if (origins !== undefined && web === undefined) throw new UsageError("--origins says who may call --web, which is not given");
  const tls = await readTls(tlsCert, tlsKey);
  // Said before the data directory is made.
  for (const address of [listen, web, oci]) if (address !== undefined) checkListener({ address, tls, token, insecure });
  const system = stack.use(
    await startEmbedded({
      dataDirectory: data,
      address: listen,
      web: web === undefined ? undefined : { address: web, origins },
      registry: oci,
      ...{ command, token, tls, insecure, trainers, leaseSeconds },
      shared: true,
      openLog: () => fileLogger(data, "ratatouille"),
    }),
  );
  const listens = system.webUrl === undefined ? system.address : `${system.address}, and for HTTP on ${system.webUrl}`;
  if (insecure) writeWrapped(stdout, `INSECURE: whoever reaches ${system.address} may read and change everything.\n`);
  writeWrapped(
    stdout,
    `ratatouille ${VERSION} listens on ${listens}; data in ${data}. Ctrl-C stops it; what is unfinished goes on at the next start.\n`,
  );
  if (system.registry !== undefined) writeWrapped(stdout, `Its models are an OCI registry, ${system.registry}: docs/oci.md.\n`);
  await Promise.race([aborted(signal), system.broken]);
  return 0;
}

async function readTls(certificatePath: string | undefined, keyPath: string | undefined): Promise<ServerTls | undefined> {
  if (certificatePath === undefined && keyPath === undefined) return undefined;
  if (certificatePath === undefined || keyPath === undefined) throw new UsageError("--tls-cert and --tls-key need each other");
  return { certificate: await readPem(certificatePath), key: await readPem(keyPath) };
}

function readPem(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: unknown) => {
    throw new UsageError(`cannot read ${path}: ${fileProblem(cause)}`, { cause });
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
