import { join } from "node:path";
import { temporaryDirectory } from "#libs/testing";
import { startServer } from "../conformance/server.ts";
import { cache, root, runs } from "./run.ts";

/** Runs a command with the address of a real system without trainers at the place of `{server}`. */
export function withSystem(program: string, args: readonly string[]): Promise<boolean> {
  return atSystem((address) =>
    runs(
      program,
      args.map((arg) => arg.replace("{server}", address)),
    ),
  );
}

/** The same where the system says more than the protos of today: fields, events and states of a later version. Needs Go. */
export async function withLaterSystem(program: string, args: readonly string[]): Promise<boolean> {
  const later = join(cache, "later");
  if (!(await runs("go", ["version"], { quiet: true }))) {
    process.stdout.write("go is not here: a system of a later version was not tried\n");
    return true;
  }
  if (!(await runs("go", ["build", "-C", join(root, "clients/go"), "-o", later, "./internal/later"]))) return false;
  return atSystem((address) => runs(later, [address, program, ...args]));
}

async function atSystem(use: (address: string) => Promise<boolean>): Promise<boolean> {
  await using folder = await temporaryDirectory();
  await using server = await startServer(folder.join("data"));
  return await use(server.address);
}
