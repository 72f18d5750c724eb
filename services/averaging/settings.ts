import {
  commonSettings,
  dataSetting,
  declareSettings,
  defaultAddresses,
  listenSetting,
  peerSetting,
  type Setting,
  wholeNumber,
} from "#libs/service";
import { defaultLimits, type SessionLimits } from "./sessions/limits.ts";

const MEBIBYTE = 2 ** 20;

/** A limit; of bytes in MiB. */
function quota(flag: string, env: string, description: string, fallback: number) {
  return { flag, env, description, schema: wholeNumber(1, 2 ** 32), default: String(fallback) } as const satisfies Setting;
}

/** What can be set of the averaging service. */
export const settings = declareSettings({
  listen: listenSetting(defaultAddresses.averaging),
  data: dataSetting,
  catalog: peerSetting("catalog"),
  scratchMebibytes: quota("--scratch-mebibytes <number>", "RATATOUILLE_SCRATCH_MEBIBYTES", "room for the members of averages", 65_536),
  sessions: quota("--sessions <number>", "RATATOUILLE_SESSIONS", "sessions that may be open", defaultLimits.sessions),
  sessionStreams: quota(
    "--session-streams <number>",
    "RATATOUILLE_SESSION_STREAMS",
    "contributions that may arrive at the same time",
    defaultLimits.streams,
  ),
  stagingMebibytes: quota(
    "--staging-mebibytes <number>",
    "RATATOUILLE_STAGING_MEBIBYTES",
    "room for contributions until they are folded",
    defaultLimits.stagingBytes / MEBIBYTE,
  ),
  contributionMebibytes: quota(
    "--contribution-mebibytes <number>",
    "RATATOUILLE_CONTRIBUTION_MEBIBYTES",
    "size of one contribution at most",
    defaultLimits.contributionBytes / MEBIBYTE,
  ),
  ...commonSettings,
});

/** Room for the members of averages, in bytes. */
export function scratchBytes({ scratchMebibytes }: { readonly scratchMebibytes: number }): number {
  return scratchMebibytes * MEBIBYTE;
}

/** The limits of sessions that were set. */
export function sessionLimits(values: {
  readonly sessions: number;
  readonly sessionStreams: number;
  readonly stagingMebibytes: number;
  readonly contributionMebibytes: number;
}): Partial<SessionLimits> {
  return {
    sessions: values.sessions,
    streams: values.sessionStreams,
    stagingBytes: values.stagingMebibytes * MEBIBYTE,
    contributionBytes: values.contributionMebibytes * MEBIBYTE,
  };
}
