import { commonSettings, dataSetting, declareSettings, listenSetting, peerSetting, type Setting, wholeNumber } from "#libs/service";
import { defaultLimits, type SessionLimits } from "./limits.ts";

const MEBIBYTE = 2 ** 20;

/** A limit; of bytes in MiB. */
function quota(flag: string, env: string, description: string, fallback: number) {
  return { flag, env, description, schema: wholeNumber(1, 2 ** 32), default: String(fallback) } as const satisfies Setting;
}

/** What can be set of the service of sessions. */
export const settings = declareSettings({
  listen: listenSetting("sessions"),
  data: dataSetting,
  catalog: peerSetting("catalog"),
  openSessions: quota("--open-sessions <number>", "RATATOUILLE_OPEN_SESSIONS", "sessions that may be open", defaultLimits.sessions),
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

/** The limits of sessions that were set. */
export function sessionLimits(values: {
  readonly openSessions: number;
  readonly sessionStreams: number;
  readonly stagingMebibytes: number;
  readonly contributionMebibytes: number;
}): Partial<SessionLimits> {
  return {
    sessions: values.openSessions,
    streams: values.sessionStreams,
    stagingBytes: values.stagingMebibytes * MEBIBYTE,
    contributionBytes: values.contributionMebibytes * MEBIBYTE,
  };
}
