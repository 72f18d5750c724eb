import { goProgram } from "./go-program.ts";

const grpcurl = {
  name: "grpcurl",
  package: "github.com/fullstorydev/grpcurl/cmd/grpcurl",
  version: "v1.9.4",
  variable: "RATATOUILLE_GRPCURL",
} as const;

/**
 * The path of grpcurl, as `natsServerProgram` has it of nats-server; RATATOUILLE_GRPCURL names another.
 * @example
 * ```ts
 * await grpcurlProgram({ RATATOUILLE_GRPCURL: process.execPath }); // process.execPath
 * ```
 */
export function grpcurlProgram(env: NodeJS.ProcessEnv = process.env, onInstall = () => {}): Promise<string> {
  return goProgram(grpcurl, env, onInstall);
}
