/** The progress streams that are open, so that an attempt learns at once that it has lost its job. */
export type ReportStreams = {
  /** Takes note of an attempt's stream, in place of an older one of it. `end` is called with the reason when the attempt loses its job. */
  open(jobId: string, attempt: number, end: (reason: Error) => void): ReportStream;
  /** Ends the stream of an attempt, if there is one, with a reason. */
  revoke(jobId: string, attempt: number, reason: () => Error): void;
};

export type ReportStream = {
  /** Forgets the stream. False if another one has taken its place, or it was ended. */
  close(): boolean;
};

/** No streams yet. */
export function createReportStreams(): ReportStreams {
  const streams = new Map<string, { readonly end: (reason: Error) => void }>();
  return {
    open(jobId, attempt, end) {
      const key = keyOf(jobId, attempt);
      const own = { end };
      streams.set(key, own);
      return { close: () => streams.get(key) === own && streams.delete(key) };
    },
    revoke(jobId, attempt, reason) {
      const key = keyOf(jobId, attempt);
      const stream = streams.get(key);
      streams.delete(key);
      stream?.end(reason());
    },
  };
}

function keyOf(jobId: string, attempt: number): string {
  return `${jobId}/${attempt}`;
}
