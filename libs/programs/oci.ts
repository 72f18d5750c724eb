import { goProgram } from "./go-program.ts";

const oras = { name: "oras", package: "oras.land/oras/cmd/oras", version: "v1.3.6", variable: "RATATOUILLE_ORAS" } as const;

/** The suite has no releases of its own since v1.1.1; this is the one of its main branch that Go's proxy has. */
const conformance = {
  name: "oci-conformance",
  package: "github.com/opencontainers/distribution-spec/conformance",
  version: "v0.0.0-20260831232431-97274622c111",
  variable: "RATATOUILLE_OCI_CONFORMANCE",
} as const;

/**
 * The path of oras, a client of OCI registries, as `natsServerProgram` has it of nats-server; RATATOUILLE_ORAS names another.
 * @example
 * ```ts
 * await orasProgram({ RATATOUILLE_ORAS: process.execPath }); // process.execPath
 * ```
 */
export function orasProgram(env: NodeJS.ProcessEnv = process.env, onInstall = () => {}): Promise<string> {
  return goProgram(oras, env, onInstall);
}

/**
 * The path of the conformance suite of the OCI distribution specification, likewise; RATATOUILLE_OCI_CONFORMANCE names another.
 * @example
 * ```ts
 * await ociConformanceProgram({ RATATOUILLE_OCI_CONFORMANCE: process.execPath }); // process.execPath
 * ```
 */
export function ociConformanceProgram(env: NodeJS.ProcessEnv = process.env, onInstall = () => {}): Promise<string> {
  return goProgram(conformance, env, onInstall);
}
