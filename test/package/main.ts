/** `npm run test:package`: the npm package of the TypeScript client, as people install it. */
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { bytesBelow } from "#libs/files";
import { connect } from "#libs/rpc";
import { type TemporaryDirectory, temporaryDirectory, waitFor } from "#libs/testing";
import { RecyclingService } from "#proto/ratatouille/v1/recycling_pb.ts";
import { pack } from "../../clients/typescript/pack/pack.ts";
import { run } from "../../clients/typescript/pack/run.ts";
import { startCli } from "../e2e/cli.ts";
import { readArguments } from "../read-arguments.ts";

const root = join(import.meta.dirname, "../..");
const examples = join(root, "examples/clients/typescript");
const programs = join(import.meta.dirname, "programs");
const bin = (name: string) => join(root, "node_modules/.bin", name);

const RUNTIMES: { readonly [name: string]: readonly string[] } = {
  node: [bin("node")],
  bun: [bin("bun")],
  deno: [bin("deno"), "run", "-A", "--no-check"],
};

const INSTALL = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"];
/** Optional peers, in the versions of the repository's lock. */
const WEB = ["@connectrpc/connect@2.3.0", "@connectrpc/connect-web@2.3.0"];

/** What people who only want a client would not forgive. */
const MOST = { packages: 60, megabytes: 40 };
const DEVELOPERS = /^(typescript|esbuild|sharp|kysely|pino|bun|@tensorflow|@nats-io|@stdlib|@biomejs|@opentelemetry\/(sdk|exporter).*)$/;

const usage = `Usage: npm run test:package -- [options]

Packs the npm package, installs it into an empty folder, looks at what came along, checks it with publint and attw, type-checks programs that use it
and runs them on Node, Bun and Deno against a system that is started for them.

Options:
  --on NAMES   runtimes (${Object.keys(RUNTIMES).join(",")})
  --help       print this`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, {
    on: { type: "string", default: Object.keys(RUNTIMES).join(",") },
    help: { type: "boolean", default: false },
  });
  if (typeof parsed === "string") return say(`${parsed}. --help lists the options`, 2);
  if (parsed.values.help) return say(usage, 0);
  const runtimes = parsed.values.on.split(",");
  const unknown = runtimes.find((name) => !(name in RUNTIMES));
  if (unknown !== undefined) return say(`--on ${unknown}: expected some of ${Object.keys(RUNTIMES).join(",")}`, 2);
  const start = performance.now();
  await using folder = await temporaryDirectory("package-");
  const [passed, failed] = await counted(stepsIn(folder, runtimes));
  say(`${passed} passed, ${failed} failed (${Math.round((performance.now() - start) / 1000)} s)`, 0);
  return failed === 0 ? 0 : 1;
}

type Step = readonly [name: string, act: () => Promise<unknown>];

/** Each says what is worth saying, and throws where it fails; the others are tried all the same. */
async function counted(steps: AsyncIterable<Step>): Promise<readonly [number, number]> {
  let [passed, failed] = [0, 0];
  for await (const [name, act] of steps) {
    const began = performance.now();
    const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
    try {
      const said = await act();
      say(`ok     ${name}${typeof said === "string" ? `: ${said}` : ""} (${seconds()})`, 0);
      passed++;
    } catch (error) {
      say(`FAILED ${name} (${seconds()})\n  ${(error as Error).message.replaceAll("\n", "\n  ")}`, 0);
      failed++;
    }
  }
  return [passed, failed];
}

async function* stepsIn(folder: TemporaryDirectory, runtimes: readonly string[]): AsyncGenerator<Step, void, undefined> {
  const consumer = folder.join("consumer");
  let tarball = "";
  yield [
    "pack",
    async () => {
      tarball = await pack(root, folder.path);
      return basename(tarball);
    },
  ];
  if (tarball === "") return;
  yield ["install", () => install(tarball, consumer)];
  yield ["install what the client over HTTP needs", () => run("npm", [...INSTALL, ...WEB], consumer)];
  yield ["publint", () => run(bin("publint"), ["run", "--strict", tarball], root)];
  yield ["attw", () => run(bin("attw"), [tarball, "--profile", "esm-only", "--no-color"], root)];
  const used: string[] = [];
  for (const from of [examples, programs])
    for (const name of (await readdir(from)).sort()) {
      await copyFile(join(from, name), join(consumer, name));
      used.push(name);
    }
  for (const resolution of ["nodenext", "bundler"])
    yield [`types, ${resolution}`, () => checkTypes(consumer, resolution, used, { lib: ["esnext"], types: ["node"] })];
  yield ["types, of a page", () => checkTypes(consumer, "bundler", ["web.ts"], { lib: ["esnext", "dom"], types: [] })];
  await using system = await startSystem(folder);
  // A run to be watched, of seconds.
  await using _run = startCli(["recycle", join(root, "examples/tiny.yaml"), "--server", system.address, "--out", folder.join("out")]);
  using channel = connect(system.address);
  const recycler = channel.client(RecyclingService);
  await waitFor(async () => (await recycler.listRuns({})).runs.length > 0, { timeoutMs: 60_000, what: "the run" });
  for (const runtime of runtimes)
    for (const name of used) {
      const [program = "", ...flags] = RUNTIMES[runtime]!;
      yield [`${name} on ${runtime}`, () => run(program, [...flags, name, name === "web.ts" ? system.url : system.address], consumer)];
    }
  yield ["web.ts as a browser has it", () => inBrowser(consumer, system.url)];
}

async function install(tarball: string, consumer: string): Promise<string> {
  await mkdir(consumer);
  await writeFile(join(consumer, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await run("npm", [...INSTALL, tarball], consumer);
  const modules = join(consumer, "node_modules");
  const found = (await readdir(modules)).filter((name) => !name.startsWith("."));
  const packages = await Promise.all(
    found.map(async (name) => (name.startsWith("@") ? (await readdir(join(modules, name))).map((part) => `${name}/${part}`) : [name])),
  );
  const names = packages.flat();
  const megabytes = (await bytesBelow(modules)) / 1e6;
  const strange = names.filter((name) => DEVELOPERS.test(name) || DEVELOPERS.test(name.split("/")[0]!));
  if (strange.length > 0) throw new Error(`${strange.join(", ")} came along`);
  if (names.length > MOST.packages || megabytes > MOST.megabytes)
    throw new Error(`${names.length} packages of ${megabytes.toFixed(1)} MB; at most ${MOST.packages} of ${MOST.megabytes} MB`);
  return `${names.length} packages, ${megabytes.toFixed(1)} MB`;
}

/** @param declared what the consumer has declarations of */
async function checkTypes(
  consumer: string,
  resolution: string,
  files: readonly string[],
  declared: { readonly lib: readonly string[]; readonly types: readonly string[] },
): Promise<void> {
  const compilerOptions = {
    ...{ module: resolution === "bundler" ? "esnext" : "nodenext", moduleResolution: resolution, target: "esnext", ...declared },
    ...{ strict: true, noEmit: true, skipLibCheck: false, exactOptionalPropertyTypes: true },
  };
  const config = join(consumer, `tsconfig.${resolution}.json`);
  await writeFile(config, JSON.stringify({ compilerOptions, files }));
  await run(bin("tsc"), ["-p", config], consumer);
}

/** The client over HTTP as one file that a page can load: nothing of Node is in it, and it may reach the server and nothing else. */
async function inBrowser(consumer: string, url: string): Promise<string> {
  const page = join(consumer, "page.js");
  await run(bin("bun"), ["build", "web.ts", "--target=browser", "--minify", `--outfile=${page}`], consumer);
  const text = await readFile(page, "utf8");
  const [strange] = /\b(node:\w+|createRequire|Buffer\.(from|alloc))\b/.exec(text) ?? [];
  if (strange !== undefined) throw new Error(`the page has ${strange}`);
  await run(bin("deno"), ["run", `--allow-net=${new URL(url).host}`, page, url], consumer);
  return `${Math.round(text.length / 1000)} kB`;
}

/** A system of the command line, with one trainer. */
async function startSystem(folder: TemporaryDirectory): Promise<AsyncDisposable & { readonly address: string; readonly url: string }> {
  const places = ["--listen", "127.0.0.1:0", "--web", "127.0.0.1:0"];
  const system = startCli(["up", "--data", folder.join("data"), ...places, "--trainers", "1"]);
  await system.line("Ctrl-C stops");
  const [, address = ""] = /listens on ([\d.:]+)/.exec(system.stdout()) ?? [];
  const [, url = ""] = /for\s+HTTP\s+on\s+([^\s;]+)/.exec(system.stdout()) ?? [];
  return {
    ...{ address, url },
    async [Symbol.asyncDispose]() {
      system.signal("SIGTERM");
      await system.ended;
    },
  };
}

function say(text: string, code: number): number {
  process.stdout.write(`${text}\n`);
  return code;
}
