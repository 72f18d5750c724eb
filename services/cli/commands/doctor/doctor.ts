import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { availableParallelism, freemem, totalmem } from "node:os";
import { dirname, resolve } from "node:path";
import { backends } from "#libs/recipes";
import { runtimeName, runtimeVersion, VERSION } from "#libs/service";
import { DirectoryLockedError, lockDirectory } from "#libs/storage";
import { wrap } from "#libs/text";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { explain } from "../../explain.ts";
import { bytes } from "../../format.ts";
import { DEFAULT_LISTEN } from "../../system/port.ts";
import { type Stream, widthOf } from "../../write-wrapped.ts";
import type { Finding } from "./finding.ts";
import { checkPort, checkServer } from "./server.ts";
import { checkSpace } from "./space.ts";
import { checkTensorflow } from "./tensorflow.ts";
import { checkTorch } from "./torch.ts";

/** What a run of digits-full.yaml leaves on the disk, with room to spare. */
const NEEDED_BYTES = 2e9;

/** `ratatouille doctor`: what is right, what is not, what to do; 1 if something is not right. */
export async function doctor(options: GlobalOptions, { stdout, signal }: CommandContext): Promise<number> {
  const findings = [
    { topic: "ratatouille", right: true, fact: VERSION },
    checkRuntime(),
    ...(await checkBackends()),
    await checkTorch(),
    ...(await checkTensorflow(signal)),
    { topic: "devices", right: true, fact: `cpu: ${availableParallelism()} cores, one trainer for each by default` },
    { topic: "memory", right: true, fact: `${bytes(freemem())} free of ${bytes(totalmem())}` },
    ...(await checkData(options.data)),
    await checkSpace(options.data),
    ...(options.server ? await checkServer(options.server, options) : await checkPort(DEFAULT_LISTEN, options)),
  ];
  const right = findings.every((finding) => finding.right);
  if (options.json) stdout.write(`${JSON.stringify({ right, findings })}\n`);
  else stdout.write(findings.map((finding) => lines(finding, stdout)).join(""));
  return right ? 0 : 1;
}

/** Columns before a fact. */
const INDENT = 26;

function lines({ topic, right, fact, advice }: Finding, stream: Stream): string {
  const width = widthOf(stream);
  const first = wrap(`${right ? "ok " : "NO "} ${topic.padEnd(INDENT - 4)}${fact}`, width, INDENT);
  return `${first}\n${advice ? `${wrap(" ".repeat(INDENT) + advice, width)}\n` : ""}`;
}

function checkRuntime(): Finding {
  const name = runtimeName();
  const major = Number(runtimeVersion().split(".")[0]);
  const right = name !== "node" || major >= 24;
  return {
    topic: "runtime",
    right,
    fact: `${name} ${runtimeVersion()}`,
    ...(right ? {} : { advice: "use Node 24 or newer, or the launcher ./ratatouille" }),
  };
}

async function checkBackends(): Promise<Finding[]> {
  // Loaded here: a service that this command line runs must not carry it.
  const { openBackend } = await import("#libs/learning");
  const findings: Finding[] = [];
  for (const name of backends) {
    try {
      const { arithmetic } = await openBackend(name);
      findings.push({ topic: `engine ${name}`, right: true, fact: arithmetic });
    } catch (error) {
      findings.push({ topic: `engine ${name}`, right: false, fact: explain(error), advice: "run npm ci in the folder of ratatouille" });
    }
  }
  return findings;
}

async function checkData(directory: string): Promise<Finding[]> {
  // To look is not to create.
  const place = nearestExisting(directory);
  if (place !== resolve(directory)) {
    return [{ topic: "data", right: true, fact: `${directory} does not exist yet; the first run makes it` }, await checkDisk(place)];
  }
  try {
    await using _lock = await lockDirectory(directory, { version: VERSION, command: "ratatouille doctor" });
    return [{ topic: "data", right: true, fact: directory }, await checkDisk(directory)];
  } catch (error) {
    const running = error instanceof DirectoryLockedError;
    return [
      { topic: "data", right: running, fact: explain(error), ...(running ? {} : { advice: "name a directory of your own with --data" }) },
    ];
  }
}

function nearestExisting(directory: string): string {
  let place = resolve(directory);
  while (!existsSync(place) && place !== dirname(place)) place = dirname(place);
  return place;
}

async function checkDisk(directory: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  const enough = free >= NEEDED_BYTES;
  return {
    topic: "disk",
    right: enough,
    fact: `${bytes(free)} free`,
    ...(enough ? {} : { advice: `a large run needs ${bytes(NEEDED_BYTES)}: free some, or name another place with --data` }),
  };
}
