import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, connect, isRpcError, type RpcChannel } from "#libs/rpc";
import { UsageError, VERSION } from "#libs/service";
import { DirectoryLockedError } from "#libs/storage";
import type { Logger } from "#libs/telemetry";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import { fileProblem } from "../file-problem.ts";

/** Where a command finds the services. */
export type TargetOptions = {
  /** `host:port` of a running system; without it the system of the data directory. */
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  /** PEM file of the authority that signed the server's certificate; TLS is used where it is given. */
  readonly caPath?: string | undefined;
  readonly dataDirectory: string;
  /** What others read of this process who find the directory locked. */
  readonly command?: string | undefined;
  readonly trainers?: number | undefined;
  /** Nothing is changed: then a system will do that works for another command. */
  readonly looks?: boolean | undefined;
  /** The data directory is made where there is none. Otherwise there is nothing in it, and it stays so. */
  readonly makes?: boolean | undefined;
  /** Opens the log of an embedded system, below the directory that it works on. */
  readonly openLog: (directory: string) => Logger;
};

/** A system that a command talks to. */
export type Target = AsyncDisposable & {
  readonly channel: RpcChannel;
  /** Ends with this command, and everything that it does with it. */
  readonly embedded: boolean;
  readonly address: string;
  /** Rejects if the embedded system breaks. */
  readonly broken: Promise<never>;
};

/** How long a server may take to answer. */
export const CONNECT_MS = 3_000;

/**
 * Connects to a server, attaches to the system that runs on the data directory (`ratatouille up`), or starts an embedded one.
 * @throws UsageError if the server is another version; RpcError UNAVAILABLE, within five seconds, if nothing answers;
 * DirectoryLockedError if another process works on the directory and lets nobody in; BusyError if it lets in only who looks.
 */
export async function openTarget(options: TargetOptions): Promise<Target> {
  if (options.server !== undefined) return attach(options.server, await connectTo(options.server, options));
  try {
    await using opening = new AsyncDisposableStack();
    const { trainers, command, makes = false } = options;
    const dataDirectory = makes || existsSync(options.dataDirectory) ? options.dataDirectory : await nothing(opening);
    const openLog = () => options.openLog(dataDirectory);
    // Not loaded by who talks to a server.
    const { startEmbedded } = await import("./embedded.ts");
    const system = opening.use(await startEmbedded({ dataDirectory, trainers, command, openLog, shared: false }));
    const { address, token } = system.entrance;
    const channel = opening.use(connect(address, { token }));
    await channel.ready(CONNECT_MS);
    const open = opening.move();
    return { channel, embedded: true, address: system.address, broken: system.broken, [Symbol.asyncDispose]: () => open.disposeAsync() };
  } catch (error) {
    if (!(error instanceof DirectoryLockedError && error.entrance)) throw error;
    // It ends with the command that it works for, so nothing is left to it.
    if (error.address === undefined && !options.looks) throw new BusyError(error);
    const { address, token } = error.entrance;
    return attach(error.address ?? address, connect(address, { token }));
  }
}

/** A data directory that has nothing, for who looks for something in one that is not there: that is not to create it. It goes with the system. */
async function nothing(opening: AsyncDisposableStack): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "ratatouille-"));
  opening.defer(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** The data directory is that of a command that works on it: others may look at it, and nothing else. */
class BusyError extends Error {
  override readonly name = "BusyError";

  constructor(cause: DirectoryLockedError) {
    const how = "It lets in those that look: runs, jobs, models, events, lineage. For all commands at once, start it with: ratatouille up";
    super(`${cause.message}. ${how}`, { cause });
  }
}

/**
 * Opens a channel to a server as the options of a command say.
 * @throws UsageError if it cannot be read; RpcError INVALID_ARGUMENT for a wrong address or a token that would travel in the clear
 */
export async function connectTo(address: string, { token, caPath }: Pick<TargetOptions, "token" | "caPath">): Promise<RpcChannel> {
  if (caPath === undefined) return connect(address, { token });
  const ca = await readFile(caPath).catch((cause: unknown) => {
    throw new UsageError(`cannot read the certificate ${caPath}: ${fileProblem(cause)}`, { cause });
  });
  return connect(address, { token, tls: { ca } });
}

async function attach(address: string, channel: RpcChannel): Promise<Target> {
  try {
    await channel.ready(CONNECT_MS);
    await checkVersion(channel, address);
  } catch (error) {
    channel.close();
    throw error;
  }
  return {
    channel,
    embedded: false,
    address,
    broken: new Promise(() => {}),
    [Symbol.asyncDispose]: async () => channel.close(),
  };
}

/** The same major and minor version speak the same protocol. */
async function checkVersion(channel: RpcChannel, address: string): Promise<void> {
  const theirs = await channel
    .client(SystemService)
    .getSystem({}, { timeoutMs: CONNECT_MS })
    .then(
      ({ version }) => version,
      (error: unknown) => {
        if (isRpcError(error, Code.UNIMPLEMENTED)) return undefined;
        throw error;
      },
    );
  if (theirs === undefined) throw new UsageError(`${address} answers, but it is not a ratatouille server`);
  const series = (version: string) => version.split(".").slice(0, 2).join(".");
  if (series(theirs) !== series(VERSION)) {
    throw new UsageError(
      `the server ${address} has version ${theirs}, this is ${VERSION}: use the same major and minor version on both sides`,
    );
  }
}
