import { once } from "node:events";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connect } from "#libs/rpc";
import { signalChild, spawnScript } from "#libs/service";
import { waitFor } from "#libs/testing";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import type { BenchOptions } from "../benchmark.ts";
import { ROOT, runProgram } from "../child.ts";
import type { Figure } from "../figures.ts";
import { installPeers } from "./peers.ts";
import { script, type Workbench } from "./workbench.ts";

const MODELS = 8;
const MANY = 64;
/** What the aggregation of Flower 1.41 was measured at when the bound was set, in GB/s. */
const EARLIER_FLOWER = 0.36;
const FOLD_LIMIT_MS = 600_000;

type Sent = { readonly seconds: number; readonly bytes: number };

/** One client in Python to a session, against the bare stream of the same client, and against Flower in memory; and 64 at once. */
export async function sessionFigures(bench: Workbench, { runs, size, say }: BenchOptions): Promise<Figure[]> {
  const bin = await installPeers("session", say);
  const python = join(bin, "python");
  const stubs = bench.join("stubs");
  await mkdir(stubs, { recursive: true });
  const files = ["averaging", "artifact"].map((name) => `ratatouille/v1/${name}.proto`);
  const protoc = ["-m", "grpc_tools.protoc", `-I${join(ROOT, "proto")}`, `--python_out=${stubs}`, `--grpc_python_out=${stubs}`];
  await runProgram(python, [...protoc, ...files]);
  const { paths } = await bench.models(MODELS, size, "float32");

  const send = async (address: string, place: SessionAccess, atOnce: number, times: number) => {
    const args = [stubs, address, place.sessionId, place.secret, String(atOnce), String(times), ...paths];
    const { stdout } = await runProgram(python, [script("contribute.py"), ...args]);
    return JSON.parse(stdout) as Sent;
  };
  const flower = async () => {
    const { stdout } = await runProgram(python, [script("flower.py"), String(size), String(MODELS)]);
    return JSON.parse(stdout) as Sent;
  };

  const speeds = {
    bare: [] as number[],
    contribute: [] as number[],
    folded: [] as number[],
    snapshot: [] as number[],
    disk: [] as number[],
    flower: [] as number[],
  };
  const peaks: number[] = [];
  for (let turn = 0; turn < runs; turn++) {
    await using server = await startServer();
    speeds.bare.push(gigabytes(await send(server.addresses.bare, { sessionId: "", secret: "" }, 1, 1)));
    say(`bare stream: ${speeds.bare.at(-1)!.toFixed(2)} GB/s`);
    const place = await server.open();
    const begin = performance.now();
    const sent = await send(server.addresses.sessions, place, 1, 1);
    // What the start of the client takes, and the digests that it finds out, is not counted.
    const late = performance.now() - begin - 1000 * sent.seconds;
    await server.folded(place.sessionId, MODELS);
    const all = (performance.now() - begin - late) / 1000;
    speeds.contribute.push(gigabytes(sent));
    speeds.folded.push(gigabytes({ ...sent, seconds: all }));
    say(`contributions: ${speeds.contribute.at(-1)!.toFixed(2)} GB/s, ${speeds.folded.at(-1)!.toFixed(2)} GB/s until they are folded`);
    const wrote = performance.now();
    await runProgram("dd", ["if=/dev/zero", `of=${bench.join("dd")}`, "bs=1M", `count=${Math.round(sent.bytes / 2 ** 20)}`, "conv=fsync"]);
    speeds.disk.push(sent.bytes / (performance.now() - wrote) / 1e6);
    await rm(bench.join("dd"));
    const asked = performance.now();
    await server.snapshot(place.sessionId);
    speeds.snapshot.push((performance.now() - asked) / 1000);
    peaks.push(await server.peakMb());
    speeds.flower.push(gigabytes(await flower()));
    say(`Flower in memory: ${speeds.flower.at(-1)!.toFixed(2)} GB/s; snapshot ${speeds.snapshot.at(-1)!.toFixed(2)} s`);
  }
  const many = await contributeAtOnce(send, say);
  const ratio = (one: readonly number[], other: readonly number[]) => one.map((value, turn) => value / other[turn]!);
  return [
    { name: `session, ${MODELS} × ${size} MB from one client: bare stream`, unit: "GB/s", runs: speeds.bare },
    { name: "session: contributions", unit: "GB/s", runs: speeds.contribute },
    { name: "session: contributions, until they are folded", unit: "GB/s", runs: speeds.folded },
    { name: "session: contributions / bare stream", unit: "", runs: ratio(speeds.contribute, speeds.bare), atLeast: 0.5 },
    { name: "session: contributions with fold / bare stream", unit: "", runs: ratio(speeds.folded, speeds.bare), atLeast: 0.4 },
    { name: "the same bytes by dd conv=fsync", unit: "GB/s", runs: speeds.disk },
    {
      name: "session: contributions / dd conv=fsync (asked where the disk is the slower one)",
      unit: "",
      runs: ratio(speeds.contribute, speeds.disk),
    },
    { name: "Flower's aggregation in memory", unit: "GB/s", runs: speeds.flower },
    { name: "session: contributions with fold / Flower in memory", unit: "", runs: ratio(speeds.folded, speeds.flower), atLeast: 1 },
    {
      name: "session: contributions with fold / 0.36 GB/s of Flower in memory, on another day",
      unit: "",
      runs: speeds.folded.map((value) => value / EARLIER_FLOWER),
      atLeast: 1,
    },
    { name: "session: snapshot", unit: "s", runs: speeds.snapshot },
    { name: "session: peak memory of the server, one client", unit: "MB", runs: peaks, atMost: 512 },
    { name: `session: ${MANY} contributors at once`, unit: "GB/s", runs: [many.gigabytes] },
    { name: `session: peak memory of the server, ${MANY} contributors at once`, unit: "MB", runs: [many.peakMb], atMost: 512 },
  ];
}

async function contributeAtOnce(
  send: (address: string, place: SessionAccess, atOnce: number, times: number) => Promise<Sent>,
  say: (line: string) => void,
) {
  say(`${MANY} contributors at once`);
  await using server = await startServer();
  const place = await server.open();
  const sent = await send(server.addresses.sessions, place, MANY, MANY / MODELS);
  await server.folded(place.sessionId, MANY);
  return { gigabytes: gigabytes(sent), peakMb: await server.peakMb() };
}

type SessionAccess = { readonly sessionId: string; readonly secret: string };

function gigabytes({ seconds, bytes }: Sent): number {
  return bytes / seconds / 1e9;
}

/** session-server.ts in a process of its own. */
async function startServer() {
  const child = spawnScript(script("session-server.ts"), [], { cwd: ROOT, stdio: ["pipe", "pipe", "inherit"] });
  const [line] = (await once(createInterface(child.stdout!), "line")) as [string];
  const addresses = JSON.parse(line) as { readonly sessions: string; readonly bare: string };
  const channel = connect(addresses.sessions);
  const client = channel.client(AveragingService);
  return {
    addresses,
    async open(): Promise<SessionAccess> {
      const { session, secret } = await client.openSession({});
      return { sessionId: session!.id, secret };
    },
    folded: (sessionId: string, count: number) =>
      waitFor(async () => (await client.getSession({ sessionId })).session!.folded === count, {
        timeoutMs: FOLD_LIMIT_MS,
        what: `${count} folded contributions`,
        intervalMs: 20,
      }),
    async snapshot(sessionId: string): Promise<void> {
      for await (const _ of client.snapshot({ sessionId }, { timeoutMs: FOLD_LIMIT_MS }));
    },
    async peakMb(): Promise<number> {
      const status = await readFile(`/proc/${child.pid}/status`, "utf8");
      return (Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1]) * 1024) / 1e6;
    },
    async [Symbol.asyncDispose]() {
      channel.close();
      const ended = once(child, "close");
      child.stdin?.end();
      const kill = setTimeout(() => signalChild(child, "SIGKILL"), 30_000);
      await ended;
      clearTimeout(kill);
    },
  };
}
