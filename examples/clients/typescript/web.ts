/**
 * The client over HTTP, as a page in a browser uses it: nothing of Node is needed.
 *     node web.ts http://127.0.0.1:7438
 */
import { Code, connectToWeb, isRpcError } from "ratatouille/web";

const { process } = globalThis as { readonly process?: { readonly argv: readonly string[] } };
const url = process?.argv[2] ?? "http://127.0.0.1:7438";
const client = connectToWeb(url);

/** A safetensors file with one tensor of 300,000 numbers, all the same. */
function model(value: number): Uint8Array<ArrayBuffer> {
  const data = new Float32Array(300_000).fill(value);
  const json = JSON.stringify({ weight: { dtype: "F32", shape: [data.length], data_offsets: [0, data.byteLength] } });
  const header = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 8) * 8));
  const file = new Uint8Array(8 + header.length + data.byteLength);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  file.set(new Uint8Array(data.buffer), 8 + header.length);
  return file;
}

const members = [];
for (const value of [1, 4]) members.push(await client.push(model(value), { licence: "MIT", source: "a page" }));
const mean = await client.average(members.map(({ digest }) => digest));
const bytes = await client.download(mean.digest);
check(new Float32Array(bytes.slice(-4).buffer)[0] === 2.5, "the mean of 1 and 4 is 2.5");

const kinds = [];
for await (const { recipe } of client.lineage(mean.digest)) kinds.push(recipe.kind);
check(kinds.join() === "average,import,import", kinds.join());

const session = await client.openSession({ licence: "MIT" });
await session.contribute("ann", model(1));
check(!(await session.contribute("bob", model(5))).existed, "bob's contribution is new");
check((await session.contribute("bob", model(5))).existed, "and counts once");
for await (const { committed } of session.watch()) {
  check(committed === 2, `${committed} contributions`);
  break;
}
const average = await session.close({ snapshot: true });
check(new Float32Array((await client.download(average!.digest)).slice(-4).buffer)[0] === 3, "the mean of 1 and 5 is 3");

const missing = await client.find("sha256:00000000").catch((error: unknown) => error);
check(isRpcError(missing, Code.NOT_FOUND, "ARTIFACT_NOT_FOUND"), String(missing));
console.log(`averaged ${mean.digest.slice(0, 19)}, contributed to ${average?.digest.slice(0, 19)}`);

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`);
}
