/** `npm run test:browser`: a page in a real browser calls a system of another origin by Connect, gRPC-Web and fetch. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { readBody, serveHttp } from "#libs/http";
import { VERSION } from "#libs/service";
import { createLogger } from "#libs/telemetry";
import { freePort, temporaryDirectory } from "#libs/testing";
import { startCli } from "../e2e/cli.ts";

const BROWSER = process.env["RATATOUILLE_BROWSER"] ?? "chromium-headless-shell";
const LIMIT_MS = 60_000;
const TOKEN = "a-token-of-the-test";

await using directory = await temporaryDirectory();
const script = await bundled(fileURLToPath(new URL("./page.ts", import.meta.url)));
const port = await freePort();
const origin = `http://127.0.0.1:${port}`;
await writeFile(directory.join("token"), TOKEN);
const data = ["--data", directory.join("data"), "--trainers", "0", "--token-file", directory.join("token")];
await using system = startCli(["up", "--listen", "127.0.0.1:0", "--web", "127.0.0.1:0", "--origins", origin, ...data]);
const [, server = ""] = /for HTTP on (http:[^;]+);/.exec(await system.line("listens on", LIMIT_MS)) ?? [];

let outcome = Promise.withResolvers<unknown>();
await using pages = await serveHttp({
  address: `127.0.0.1:${port}`,
  log: createLogger({ service: "pages", level: "silent" }),
  async handler(request, response) {
    if (request.method === "POST") {
      outcome.resolve(JSON.parse(Buffer.from(await readBody(request, 1 << 20)).toString()));
      return response.writeHead(204).end();
    }
    if (request.url === "/page.js") return response.writeHead(200, { "content-type": "text/javascript" }).end(script);
    return response.writeHead(200, { "content-type": "text/html" }).end('<!doctype html><script type="module" src="/page.js"></script>');
  },
});

const each = {
  version: VERSION,
  missing: ["NotFound", "REF_NOT_FOUND"],
  denied: "Unauthenticated",
  whole: true,
  watched: "DeadlineExceeded",
};
const kinds = ["Connect with JSON", "Connect with protobuf", "Connect by GET", "gRPC-Web"];
let failed = 0;
await check("a page of an origin that may call does all that others do", origin, {
  stored: { statuses: [201, 206], range: "bytes 2999996-2999999/3000000", last: [2999996, 2999997, 2999998, 2999999].map((i) => i % 251) },
  results: Object.fromEntries(kinds.map((kind) => [kind, each])),
});
// The same page under another name is of another origin.
await check("a page of an origin that is not named is refused", origin.replace("127.0.0.1", "localhost"), {
  failed: "TypeError: Failed to fetch",
});
process.stdout.write(`${2 - failed} pass\n${failed} fail\n`);
process.exitCode = failed === 0 ? 0 : 1;
await pages.drain(0);

async function check(name: string, from: string, expected: unknown): Promise<void> {
  outcome = Promise.withResolvers();
  const url = `${from}/?${new URLSearchParams({ server, token: TOKEN })}`;
  const browser = spawn(
    BROWSER,
    [
      "--no-sandbox",
      "--disable-gpu",
      "--remote-debugging-port=0",
      `--user-data-dir=${directory.join(`profile-${failed}-${name.length}`)}`,
      url,
    ],
    {
      stdio: "ignore",
    },
  );
  browser.once("error", outcome.reject);
  const timer = setTimeout(() => outcome.reject(new Error(`the page said nothing within ${LIMIT_MS} ms`)), LIMIT_MS);
  try {
    assert.deepEqual(await outcome.promise, expected);
    process.stdout.write(`ok     ${name}\n`);
  } catch (error) {
    failed += 1;
    process.stdout.write(`FAILED ${name}\n${(error as Error).message}\n`);
  } finally {
    clearTimeout(timer);
    browser.kill("SIGKILL");
  }
}

/** A program for the browser, in one file. Bun makes it; this runs on Bun alone. */
async function bundled(entry: string): Promise<string> {
  const { Bun } = globalThis as unknown as { Bun: { build(options: unknown): Promise<{ outputs: { text(): Promise<string> }[] }> } };
  const { outputs } = await Bun.build({ entrypoints: [entry], target: "browser" });
  return (await outputs[0]?.text()) ?? "";
}
