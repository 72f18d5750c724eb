import type { Reading } from "#libs/model-folders";
import { remaining } from "#libs/text";
import { bytes } from "../format.ts";
import { fit, type Line, paint, span } from "../render/line.ts";

/** What is written progress to. */
export type ProgressStream = {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  hasColors?(): boolean;
};

/** Shows the progress of one piece of work: one line that is drawn again and again, or a line every few seconds where there is no terminal. */
export type ReadingDisplay = Disposable & { update(reading: Reading): void };

/** Nothing is shown of what is over sooner. */
const QUIET_MS = 300;
const DRAW_MS = 100;
const LINE_MS = 5000;
/** Columns of the bar. */
const BAR = 16;

/** Begins to show progress. @param what for example "averaging 8 models" */
export function showReading(
  what: string,
  stream: ProgressStream,
  quiet: boolean,
  now: () => number = () => performance.now(),
): ReadingDisplay {
  const began = now();
  const display = showLine(stream, quiet, now);
  return {
    update: (reading) => display.update((bar) => readingLine(what, reading, now() - began, bar)),
    [Symbol.dispose]: () => display[Symbol.dispose](),
  };
}

/** As showReading, of things that are counted. @param what for example "reading images" */
export function showCount(
  what: string,
  stream: ProgressStream,
  quiet: boolean,
): Disposable & { update(done: number, total: number): void } {
  const began = performance.now();
  const display = showLine(stream, quiet, () => performance.now());
  return {
    update: (done, total) => display.update((bar) => countLine(what, done, total, performance.now() - began, bar)),
    [Symbol.dispose]: () => display[Symbol.dispose](),
  };
}

/** Draws a line now and then: in a terminal with a bar. */
function showLine(stream: ProgressStream, quiet: boolean, now: () => number): Disposable & { update(line: (bar: boolean) => Line): void } {
  if (quiet) return { update() {}, [Symbol.dispose]() {} };
  const live = stream.isTTY === true;
  let shownAt = now() + (live ? QUIET_MS - DRAW_MS : 0);
  let drawn = false;
  return {
    update(lineOf) {
      const at = now();
      if (at - shownAt < (live ? DRAW_MS : LINE_MS)) return;
      shownAt = at;
      const line = lineOf(live);
      if (live) stream.write(`\r\x1b[K${paint(fit(line, (stream.columns || 80) - 1), stream.hasColors?.() ?? false)}`);
      else stream.write(`${paint(line, false)}\n`);
      drawn = live;
    },
    [Symbol.dispose]() {
      if (drawn) stream.write("\r\x1b[K");
      drawn = false;
    },
  };
}

/** One line: what, how far, how fast, how much longer, and last what a narrow terminal may cut. @param ms since this run began */
export function readingLine(what: string, reading: Reading, ms: number, bar: boolean): Line {
  const { readBytes, totalBytes, resumedBytes = 0, pass = 1, passes = 1 } = reading;
  const share = totalBytes > 0 ? Math.min(1, readBytes / totalBytes) : 1;
  const speed = ms > 0 ? ((readBytes - resumedBytes) / ms) * 1000 : 0;
  return [
    ...shareLine(what, share, bar),
    ...(speed > 0 ? [span(`  ${(speed / 1e9).toFixed(speed < 1e9 ? 2 : 1)} GB/s`)] : []),
    ...(speed > 0 && share < 1 ? [span(`  ${remaining((totalBytes - readBytes) / speed)}`)] : []),
    span(`  ${bytes(readBytes)} of ${bytes(totalBytes)}${passes > 1 ? `, pass ${Math.min(pass, passes)} of ${passes}` : ""}`, "dim"),
  ];
}

function countLine(what: string, done: number, total: number, ms: number, bar: boolean): Line {
  const speed = ms > 0 ? (done / ms) * 1000 : 0;
  return [
    ...shareLine(what, total > 0 ? done / total : 1, bar),
    ...(speed > 0 && done < total ? [span(`  ${remaining((total - done) / speed)}`)] : []),
    span(`  ${done} of ${total}`, "dim"),
  ];
}

function shareLine(what: string, share: number, bar: boolean): Line {
  const filled = Math.round(share * BAR);
  return [
    span(`${what}  `),
    ...(bar ? [span("━".repeat(filled), "green"), span("━".repeat(BAR - filled), "dim"), span("  ")] : []),
    span(`${Math.floor(100 * share)} %`, "bold"),
  ];
}
