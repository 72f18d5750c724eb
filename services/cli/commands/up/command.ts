import { type Command, InvalidArgumentError } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, local, runs } from "../../options.ts";
import { DEFAULT_LISTEN } from "../../system/port.ts";

/** `ratatouille up` */
export function defineUp(program: Command, context: CommandContext, finish: Finish): void {
  const command = addCommand(
    program,
    "up",
    `Keep the system running for several clients, until Ctrl-C.

Clients on the same data directory need no token. Clients that name the address need the one that is given here; without one every user of
this machine may use it.`,
    `  ratatouille up
  ratatouille recycle examples/digits.yaml --server ${DEFAULT_LISTEN}
  ratatouille up --oci 127.0.0.1:7480
  ratatouille up --listen 0.0.0.0:7437 --token-file token.txt \\
    --tls-cert cert.pem --tls-key key.pem`,
  );
  local(command)
    .option("--listen <host:port>", "address; one that other machines reach needs TLS and a token", DEFAULT_LISTEN)
    .option("--web <host:port>", "address for HTTP: curl and browsers; it needs the same")
    .option("--origins <origin,...>", "with --web: pages of these origins may call, separated by commas; * is every one")
    .option("--oci <host:port>", "serve the models as an OCI registry there, for oras and its kin; likewise")
    .option("--tls-cert <file>", "certificate of the server (PEM)")
    .option("--tls-key <file>", "its key (PEM)")
    .option("--insecure", "listen on any address without TLS and token")
    .option("--lease-seconds <seconds>", "a trainer that does not report for so long is lost (default: 15)", parseLease)
    .action(runs(finish, async (options) => (await import("./up.ts")).up(options, context)));
}

function parseLease(text: string): number {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 3600) return seconds;
  throw new InvalidArgumentError("expected a whole number of seconds from 1 to 3600");
}
