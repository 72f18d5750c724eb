/** `npm run test:python`: generated code, types, lint and tests of clients/python, with the wheel as people install it. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { temporaryDirectory } from "#libs/testing";
import { readArguments } from "../read-arguments.ts";

const root = join(import.meta.dirname, "../..");
const client = join(root, "clients/python");
const cache = join(root, "node_modules/.cache/python");
const written = join(cache, "tests.xml");
const requirements = join(import.meta.dirname, "requirements.txt");

const usage = `Usage: npm run test:python -- [options] [argument of pytest …]

Checks that the generated messages of clients/python are fresh, builds its wheel, installs it in a fresh environment, and runs ruff, mypy,
pyright and pytest. Pinned packages go into ${"node_modules/.cache/python"}, once.

Options:
  --gen           only write the generated messages anew
  --python PATH   Python 3.10 or later (python3)
  --system        see the packages that this Python has; with torch, torchvision and timm among them, ratatouille.torch is checked too
  --quick         only pytest
  --help          print this

Examples:
  npm run test:python
  npm run test:python -- --quick clients/python/tests/test_cache.py`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, {
    gen: { type: "boolean", default: false },
    python: { type: "string", default: "python3" },
    system: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  });
  if (typeof parsed === "string") return say(`${parsed}. --help lists the options`, 2);
  const { values, positionals } = parsed;
  if (values.help) return say(usage, 0);
  const bin = await tools(values.python, values.system);
  if (bin === undefined) return 1;
  const python = join(bin, "python");
  if (values.gen) return (await runs(python, ["clients/python/tools/generate.py"])) ? 0 : 1;
  const own = [
    "src/ratatouille/client",
    "src/ratatouille/trainer",
    "tests",
    "tests_tracking",
    "tools",
    ...(await readdir(join(client, "src/ratatouille"))).flatMap(moduleHere),
  ];
  const torch = values.system && (await runs(python, ["-c", "import torch, torchvision, timm"], root, "ignore"));
  const checked = torch ? [] : own;
  const tests = positionals.length > 0 ? positionals : [join(client, "tests"), ...(torch ? [join(client, "tests_torch")] : [])];
  if (values.quick) return (await test(python, tests)) ? 0 : 1;
  const steps: readonly (readonly [string, () => Promise<boolean>])[] = [
    ["generated messages are fresh", () => isFresh(python)],
    ["lint", async () => (await runs(join(bin, "ruff"), ["check", client])) && runs(join(bin, "ruff"), ["format", "--check", client])],
    ["the wheel", () => buildAndInstall(python, values.python)],
    ["mypy", () => runs(join(bin, "mypy"), checked, client)],
    ["pyright", () => runs(join(bin, "pyright"), ["--pythonpath", python, ...checked], client)],
    ["tests", () => test(python, tests)],
  ];
  const failed: string[] = [];
  const start = performance.now();
  for (const [name, step] of steps) {
    const began = performance.now();
    const ok = await step();
    say(`${name}: ${ok ? "ok" : "FAILED"} (${Math.round((performance.now() - began) / 1000)} s)`, 0);
    if (!ok) failed.push(name);
  }
  const { passed, broken } = await counted();
  const all = { passed: passed + steps.length - 1 - failed.filter((name) => name !== "tests").length, broken: 0 };
  all.broken = broken + failed.filter((name) => name !== "tests").length + (failed.includes("tests") && broken === 0 ? 1 : 0);
  say(`${all.passed} passed, ${all.broken} failed (${Math.round((performance.now() - start) / 1000)} s)`, 0);
  return failed.length === 0 ? 0 : 1;
}

/** How many tests passed and failed, as pytest has written it down. */
async function counted(): Promise<{ readonly passed: number; readonly broken: number }> {
  const text = await readFile(written, "utf8").catch(() => "");
  const count = (name: string) => Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(text)?.[1] ?? 0);
  const broken = count("failures") + count("errors");
  return { passed: count("tests") - broken, broken };
}

/** A module of the package itself, as a path in it. */
function moduleHere(name: string): string[] {
  return name.endsWith(".py") ? [`src/ratatouille/${name}`] : [];
}

/** The environment with the pinned packages, made where it is not there; undefined where it cannot be. */
async function tools(python: string, system: boolean): Promise<string | undefined> {
  const pinned = createHash("sha256")
    .update(await readFile(requirements))
    .update(`${python} ${system}`)
    .digest("hex");
  const directory = join(cache, system ? "tools-system" : "tools");
  const stamp = join(directory, "requirements.sha256");
  if ((await readFile(stamp, "utf8").catch(() => "")) !== pinned) {
    await rm(directory, { recursive: true, force: true });
    await mkdir(cache, { recursive: true });
    const made =
      (await runs(python, ["-m", "venv", ...(system ? ["--system-site-packages"] : []), directory])) &&
      (await pip(join(directory, "bin/python"), ["-r", requirements]));
    if (!made) return undefined;
    await writeFile(stamp, pinned);
  }
  return join(directory, "bin");
}

async function isFresh(python: string): Promise<boolean> {
  await using made = await temporaryDirectory();
  if (!(await runs(python, ["clients/python/tools/generate.py", made.path]))) return false;
  const committed = join(client, "src/ratatouille/_generated");
  const names = new Set([...(await readdir(made.path)), ...(await readdir(committed))].filter((name) => !name.startsWith("__pycache__")));
  const read = (folder: string, name: string) => readFile(join(folder, name), "utf8").catch(() => undefined);
  let fresh = true;
  for (const name of names) {
    if ((await read(made.path, name)) === (await read(committed, name))) continue;
    say(`${join(committed, name)} is not what npm run gen:python makes of proto/`, 0);
    fresh = false;
  }
  return fresh;
}

/** Builds the wheel, installs it in a fresh environment with what it asks for, runs its command there, and installs it for the tests. */
async function buildAndInstall(python: string, base: string): Promise<boolean> {
  await using made = await temporaryDirectory();
  const fresh = join(made.path, "fresh");
  if (!(await runs(python, ["-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", made.path, client]))) return false;
  const wheel = (await readdir(made.path)).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) return false;
  const path = join(made.path, wheel);
  return (
    (await pip(python, ["--no-deps", "--force-reinstall", path])) &&
    (await runs(base, ["-m", "venv", fresh])) &&
    (await pip(join(fresh, "bin/python"), ["-c", requirements, path])) &&
    (await runs(join(fresh, "bin/ratatouille-trainer"), ["--help"], made.path, "ignore")) &&
    (await runs(join(fresh, "bin/python"), ["-c", "import ratatouille; assert 'torch' not in __import__('sys').modules"], made.path))
  );
}

function pip(python: string, args: readonly string[]): Promise<boolean> {
  return runs(python, ["-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-warn-script-location", ...args]);
}

function test(python: string, args: readonly string[]): Promise<boolean> {
  return runs(python, [
    "-m",
    "pytest",
    "-p",
    "no:cacheprovider",
    "-c",
    join(client, "pyproject.toml"),
    "--rootdir",
    client,
    `--junitxml=${written}`,
    ...args,
  ]);
}

async function runs(program: string, args: readonly string[], cwd = root, stdout: "inherit" | "ignore" = "inherit"): Promise<boolean> {
  // Pyright runs on Node, and tests start the command that is installed beside them.
  const path = [dirname(program), join(root, "node_modules/.bin"), process.env["PATH"]].join(":");
  const child = spawn(program, args, { cwd, stdio: ["ignore", stdout, "inherit"], env: { ...process.env, PATH: path } });
  const ended = once(child, "close").then(([code]) => code === 0);
  return ended.catch((error: Error) => {
    say(`${program}: ${error.message}`, 0);
    return false;
  });
}

function say(text: string, code: number): number {
  process.stdout.write(`${text}\n`);
  return code;
}
