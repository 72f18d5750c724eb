/** `npm run test:clients`: the clients that are not TypeScript, built and run against a real system. */
import { readArguments } from "../read-arguments.ts";
import type { Client } from "./client.ts";
import { clients } from "./clients.ts";

const usage = `Usage: npm run test:clients -- [options]

Builds the clients in other languages and runs them against a real system. What they need is fetched by the tools of each language, once;
what is built lies in node_modules/.cache/clients. A language whose tools are not here is not tried, and that is said.

Options:
  --only NAME   ${clients.map(({ name }) => name).join(", ")}; may be repeated
  --help        print this

${clients.map(({ name, about }) => `  ${name.padEnd(6)}${about}`).join("\n")}`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, { only: { type: "string", multiple: true, default: [] }, help: { type: "boolean", default: false } });
  if (typeof parsed === "string") return say(`${parsed}. --help lists the options`, 2);
  const { values, positionals } = parsed;
  if (values.help) return say(usage, 0);
  const stranger = [...positionals, ...values.only.filter((name) => !clients.some((one) => one.name === name))][0];
  if (stranger !== undefined)
    return say(`there is no client ${stranger}; there are ${clients.map(({ name }) => name).join(", ")} for --only`, 2);
  const chosen = clients.filter(({ name }) => values.only.length === 0 || values.only.includes(name));
  const began = performance.now();
  let [passed, failed] = [0, 0];
  for (const client of chosen) {
    const outcome = await tryClient(client);
    if (outcome === "absent") continue;
    passed += outcome.passed;
    failed += outcome.failed;
  }
  say(`${passed} passed, ${failed} failed (${secondsSince(began)} s)`, 0);
  return failed === 0 ? 0 : 1;
}

async function tryClient({ name, missing, steps }: Client): Promise<"absent" | { readonly passed: number; readonly failed: number }> {
  const lacking = await missing();
  if (lacking !== undefined) {
    say(`${lacking} is not here: the client in ${name} was not tried`, 0);
    return "absent";
  }
  let passed = 0;
  for (const [what, step] of steps) {
    const began = performance.now();
    const ok = await step();
    say(`${name}, ${what}: ${ok ? "ok" : "FAILED"} (${secondsSince(began)} s)`, 0);
    // What follows needs what was built before.
    if (!ok) return { passed, failed: 1 };
    passed += 1;
  }
  return { passed, failed: 0 };
}

function secondsSince(began: number): number {
  return Math.round((performance.now() - began) / 1000);
}

function say(text: string, code: number): number {
  process.stdout.write(`${text}\n`);
  return code;
}
