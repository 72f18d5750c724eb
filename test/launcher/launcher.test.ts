import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, copyFile, lutimes, mkdir, readFile, realpath, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryDirectory, testProcess, waitFor } from "#libs/testing";

const launcher = fileURLToPath(new URL("../../ratatouille", import.meta.url));

// Stands in for npm, which would need the network: removes, installs and ends as `npm ci` does, as far as the launcher can see.
const npm = `#!/bin/sh
echo "$*" >>"$CALLS"
rm -rf node_modules
mkdir -p node_modules/.bin
touch node_modules/half
echo "npm is at work as $$"
while [ -n "$NPM_WAITS_FOR" ] && ! [ -e "$NPM_WAITS_FOR" ]; do sleep 0.02; done
if [ -n "$NPM_FAILS" ]; then echo "npm error network" >&2; exit 7; fi
for name in bun node deno; do
  printf '#!/bin/sh\\n[ "$1" = --version ] || echo "%s in $PWD runs: $*"\\n' "$name" >node_modules/.bin/$name
  chmod +x node_modules/.bin/$name
done
touch node_modules/.package-lock.json
`;

test("the launcher is plain sh", () => {
  execFileSync("sh", ["-n", launcher]);
});

test("installs what is missing, once, says so on stderr only, and passes the arguments on", async () => {
  await using clone = await freshClone();
  const first = await clone.run(["recycle", "a b", "--json"]);
  assert.equal(first.code, 0);
  assert.equal(
    first.stdout,
    `bun in ${clone.elsewhere} runs: --config=/dev/null --no-env-file ${clone.root}/services/cli/main.ts recycle a b --json\n`,
  );
  assert.match(first.stderr, /installing the locked packages into .*clone\/node_modules/);
  const second = await clone.run(["doctor"]);
  assert.equal(second.stderr, "");
  assert.deepEqual(await clone.npmCalls(), ["ci --omit=dev --no-audit --no-fund --loglevel=error"]);
});

test("completion that asks for names installs nothing", async () => {
  await using clone = await freshClone();
  assert.deepEqual(await clone.run(["names", "runs"]), { code: 0, stdout: "", stderr: "" });
});

test("tools for developers are installed where they were, and with a runtime that is one of them", async () => {
  await using clone = await freshClone();
  assert.equal((await clone.run([], { RATATOUILLE_RUNTIME: "node" })).code, 0);
  await writeFile(join(clone.root, "node_modules/.bin/biome"), "");
  await chmod(join(clone.root, "node_modules/.bin/biome"), 0o755);
  await utimes(join(clone.root, "package-lock.json"), new Date(), new Date(Date.now() + 5000));
  assert.equal((await clone.run([])).code, 0);
  for (const call of await clone.npmCalls()) assert.equal(call, "ci --include=dev --no-audit --no-fund --loglevel=error");
});

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test(`${signal} ends an installation with all its processes, and the next one begins again`, async () => {
    await using clone = await freshClone();
    await using stopped = clone.start([], { NPM_WAITS_FOR: "/nowhere" });
    const npmId = Number((await stopped.line("npm is at work as ")).split(" ").at(-1));
    const told = stopped.line("the installation was interrupted; the same command begins it again");
    process.kill(stopped.pid, signal);
    await told;
    assert.equal(await stopped.ended, code);
    assert.equal(isRunning(npmId), false);
    assert.equal((await clone.run([])).code, 0);
  });
}

test("installs again when the lock file is newer than the installation", async () => {
  await using clone = await freshClone();
  await clone.run([]);
  await utimes(join(clone.root, "package-lock.json"), new Date(), new Date(Date.now() + 5000));
  assert.equal((await clone.run([])).code, 0);
  assert.equal((await clone.npmCalls()).length, 2);
});

for (const [runtime, flags] of [
  ["node", "--disable-warning=ExperimentalWarning"],
  ["deno", "run -A --no-check --no-lock --quiet"],
] as const) {
  test(`RATATOUILLE_RUNTIME=${runtime} chooses ${runtime}`, async () => {
    await using clone = await freshClone();
    const { stdout } = await clone.run(["x"], { RATATOUILLE_RUNTIME: runtime });
    assert.equal(stdout, `${runtime} in ${clone.elsewhere} runs: ${flags} ${clone.root}/services/cli/main.ts x\n`);
  });
}

test("another runtime is wrong usage", async () => {
  await using clone = await freshClone();
  const { code, stderr } = await clone.run([], { RATATOUILLE_RUNTIME: "jvm" });
  assert.equal(code, 2);
  assert.equal(stderr, "ratatouille: RATATOUILLE_RUNTIME must be bun, node or deno, not 'jvm'\n");
});

test("works through symlinks, relative and absolute, from another folder", async () => {
  await using clone = await freshClone();
  await symlink("../clone/ratatouille", join(clone.elsewhere, "relative"));
  await symlink(join(clone.elsewhere, "relative"), join(clone.elsewhere, "absolute"));
  const { stdout } = await clone.run(["x"], {}, join(clone.elsewhere, "absolute"));
  assert.match(stdout, new RegExp(`${clone.root}/services/cli/main.ts x\n$`));
});

test("several at once on a fresh clone install once, and all run", async () => {
  await using clone = await freshClone();
  const runs = await Promise.all(["a", "b", "c", "d"].map((name) => clone.run([name])));
  for (const { code, stdout } of runs) {
    assert.equal(code, 0);
    assert.match(stdout, /main\.ts [abcd]\n$/);
  }
  assert.equal((await clone.npmCalls()).length, 1);
});

test("a failed installation is told, leaves nothing that looks complete, and is tried again", async () => {
  await using clone = await freshClone();
  const failed = await clone.run([], { NPM_FAILS: "yes" });
  assert.equal(failed.code, 1);
  assert.equal(failed.stdout, "");
  assert.match(failed.stderr, /npm error network\nratatouille: npm ci failed \(exit code 7\)/);
  assert.equal((await clone.run([])).code, 0);
  assert.equal((await clone.npmCalls()).length, 2);
});

test("when the launcher is killed, the next one waits for the npm that it left behind", async () => {
  await using clone = await freshClone();
  const gate = join(clone.elsewhere, "gate");
  await using killed = clone.start([], { NPM_WAITS_FOR: gate });
  const npmId = Number((await killed.line("npm is at work as ")).split(" ").at(-1));
  process.kill(killed.pid, "SIGKILL");
  await using next = clone.start(["x"]);
  await next.line(`waiting for the installation that process ${npmId} is doing`);
  await writeFile(gate, "");
  await next.line("main.ts x");
  assert.equal(await next.ended, 0);
  assert.equal((await clone.npmCalls()).length, 1);
});

test("when npm is killed, the next launcher installs again", async () => {
  await using clone = await freshClone();
  await using killed = clone.start([], { NPM_WAITS_FOR: "/nowhere" });
  const npmId = Number((await killed.line("npm is at work as ")).split(" ").at(-1));
  process.kill(killed.pid, "SIGKILL");
  process.kill(npmId, "SIGKILL");
  await waitFor(() => !isRunning(npmId));
  const runs = await Promise.all([clone.run(["x"]), clone.run(["y"])]);
  assert.deepEqual(
    runs.map((run) => run.code),
    [0, 0],
  );
  assert.equal((await clone.npmCalls()).length, 2);
});

test("a lock of a process that is gone holds up nobody, though another process has its id now", async () => {
  await using clone = await freshClone();
  const here = execFileSync("sh", ["-c", 'echo "$(uname -n) $(readlink /proc/self/ns/pid)"'], { encoding: "utf8" }).trim();
  await symlink(`${process.pid} 1 @ ${here}`, join(clone.root, ".install-lock"));
  assert.equal((await clone.run([])).code, 0);
});

test("a lock of another container holds as long as it is touched", async () => {
  await using clone = await freshClone();
  const lock = join(clone.root, ".install-lock");
  // This process has the id here.
  await symlink(`${process.pid} 1 @ elsewhere pid:[1]`, lock);
  await using waits = clone.start([]);
  await waits.line(`waiting for the installation that process ${process.pid} is doing`);
  const longAgo = Date.now() / 1000 - 130;
  await lutimes(lock, longAgo, longAgo);
  assert.equal(await waits.ended, 0);
  assert.equal((await clone.npmCalls()).length, 1);
});

test("in two containers on one clone at once, one installs", { skip: process.getuid?.() !== 0 }, async () => {
  await using clone = await freshClone();
  const gate = join(clone.elsewhere, "gate");
  const launch = join(clone.root, "ratatouille");
  await using first = clone.start(["--pid", "--fork", "--mount-proc", launch], { NPM_WAITS_FOR: gate }, "/usr/bin/unshare");
  const [, id] = (await first.line("npm is at work as ")).split(" as ");
  await using second = clone.start([]);
  await second.line(`waiting for the installation that process ${id} is doing`);
  await writeFile(gate, "");
  assert.deepEqual([await first.ended, await second.ended], [0, 0]);
  assert.equal((await clone.npmCalls()).length, 1);
});

test("without npm there is one clear sentence", async () => {
  await using clone = await freshClone();
  const tools = join(clone.elsewhere, "tools");
  await mkdir(tools);
  for (const tool of ["sh", "dirname", "readlink", "find"]) {
    await symlink(execFileSync("sh", ["-c", `command -v ${tool}`], { encoding: "utf8" }).trim(), join(tools, tool));
  }
  const { code, stdout, stderr } = await clone.run([], { PATH: tools });
  assert.deepEqual([code, stdout], [1, ""]);
  assert.equal(
    stderr,
    "ratatouille: npm is needed once, to install the locked packages, and is not on the PATH: install Node.js from https://nodejs.org\n",
  );
});

async function freshClone() {
  const directory = await temporaryDirectory();
  const base = await realpath(directory.path);
  const [root, elsewhere, bin] = ["clone", "else where", "bin"].map((name) => join(base, name)) as [string, string, string];
  for (const path of [root, elsewhere, bin]) await mkdir(path);
  await copyFile(launcher, join(root, "ratatouille"));
  await writeFile(join(root, "package-lock.json"), "{}");
  await writeFile(join(bin, "npm"), npm);
  for (const path of [join(root, "ratatouille"), join(bin, "npm")]) await chmod(path, 0o755);
  const calls = join(base, "calls");
  const environment = { PATH: `${bin}:/usr/bin:/bin`, CALLS: calls };
  const start = (args: readonly string[], env: NodeJS.ProcessEnv = {}, command = join(root, "ratatouille")) =>
    testProcess(command, args, { cwd: elsewhere, env: { ...environment, ...env } });
  return {
    root,
    elsewhere,
    start,
    async run(args: readonly string[], env: NodeJS.ProcessEnv = {}, command?: string) {
      await using process = start(args, env, command);
      const output = { stdout: "", stderr: "" };
      for (const name of ["stdout", "stderr"] as const) {
        process.child[name]?.setEncoding("utf8").on("data", (text: string) => {
          output[name] += text;
        });
      }
      return { code: await process.ended, ...output };
    },
    npmCalls: async () => (await readFile(calls, "utf8")).trim().split("\n"),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

function isRunning(id: number): boolean {
  try {
    return !execFileSync("ps", ["-o", "state=", "-p", String(id)], { encoding: "utf8" }).startsWith("Z");
  } catch {
    return false;
  }
}
