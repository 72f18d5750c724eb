/** The progress streams that are open, so that an attempt learns at once that it has lost its job. */
export type ReportStreams = {
  /** Takes note of an attempt's stream; `end` is called with the reason when the attempt loses its job. */
  open(jobId: string, attempt: number, end: (reason: Error) => void): void;
  close(jobId: string, attempt: number): void;
  /** Ends the stream of an attempt, if there is one. */
  revoke(jobId: string, attempt: number, reason: Error): void;
};

/** No streams yet. */
export function createReportStreams(): ReportStreams {
  const streams = new Map<string, { readonly attempt: number; readonly end: (reason: Error) => void }>();
  return {
    open: (jobId, attempt, end) => streams.set(jobId, { attempt, end }),
    close(jobId, attempt) {
      if (streams.get(jobId)?.attempt === attempt) streams.delete(jobId);
    },
    revoke(jobId, attempt, reason) {
      const stream = streams.get(jobId);
      if (stream?.attempt !== attempt) return;
      streams.delete(jobId);
      stream.end(reason);
    },
  };
}
