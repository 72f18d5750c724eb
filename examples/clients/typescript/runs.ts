/**
 * Watches the newest run until it has ended, and prints what came out.
 *     node runs.ts 127.0.0.1:7437
 */
import assert from "node:assert/strict";
import { connectTo, type Run, RunState } from "ratatouille";

const [address = "127.0.0.1:7437"] = process.argv.slice(2);
using client = connectTo(address);

const { value: newest } = await client.runs.list()[Symbol.asyncIterator]().next();
assert.ok(newest, "there is no run: ratatouille recycle examples/tiny.yaml starts one");
const { id, spec } = newest;
console.log(`${spec?.name} (${id})`);

let last: Run | undefined;
for await (const { run, running } of client.runs.watch(id)) {
  const sum = (count: "done" | "total") => run?.stages.reduce((all, stage) => all + stage[count], 0);
  console.log(`${sum("done")} of ${sum("total")} jobs, ${running.length} running`);
  last = run;
}
assert.equal(last?.state, RunState.SUCCEEDED, `it has not succeeded: ${last?.error}`);

const report = await client.runs.report(id);
console.log(`the report, version ${report.version}, has ${Object.keys(report).join(", ")}`);
const averages = await Array.fromAsync(client.list({ filter: "kind = model AND recipe = average" }));
assert.ok(averages.length > 0);
