import { columnsOf } from "#libs/text";
import type { WatchRunResponse } from "#proto/ratatouille/v1/recycling_pb.ts";
import { jsonEvents } from "./json-events.ts";
import { fit, type Line, paint } from "./line.ts";
import { liveView } from "./live-view.ts";
import { plainLines, silence } from "./plain-lines.ts";
import { advance, type Progress } from "./progress.ts";

/** How progress is shown: a picture that is drawn again and again, lines, JSON lines, or not at all. */
export type DisplayMode = "live" | "plain" | "json" | "quiet";

/** What a display needs of a stream. */
export type DisplayStream = {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  /** Knows NO_COLOR and FORCE_COLOR. */
  hasColors?(): boolean;
};

/** Shows the progress of one run. */
export type Display = {
  update(message: WatchRunResponse): void;
  /** Gives the terminal back. What was drawn last stays, with an empty line below. May be called again. */
  close(): void;
  [Symbol.dispose](): void;
};

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const STARTING = "starting";

/** How to show progress on a stream. */
export function displayMode(stream: DisplayStream, { json, quiet }: { readonly json?: boolean; readonly quiet?: boolean }): DisplayMode {
  if (json) return "json";
  if (quiet) return "quiet";
  return stream.isTTY ? "live" : "plain";
}

/** Begins to show progress: says at once that something starts, then what it is told. `now` is in milliseconds since 1970. */
export function createDisplay(stream: DisplayStream, mode: DisplayMode, now: () => number = Date.now): Display {
  const display = mode === "live" ? live(stream) : mode === "plain" ? plain(stream, now) : mode === "json" ? json(stream) : quiet();
  return { ...display, [Symbol.dispose]: display.close };
}

type Undisposed = Pick<Display, "update" | "close">;

function live(stream: DisplayStream): Undisposed {
  const colours = stream.hasColors?.() ?? false;
  let progress: Progress | undefined;
  let drawn: readonly number[] = [];
  let closed = false;
  const draw = (lines: readonly Line[]) => {
    // From the first row of the picture to the end of the screen, in one write, so that nothing flickers.
    // A terminal that became narrower has wrapped what was drawn.
    const rows = drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / (stream.columns || 80))), 0);
    const up = rows > 1 ? `\x1b[${rows - 1}A` : "";
    const text = lines.map((line) => paint(line, colours)).join("\n");
    stream.write(`${rows > 0 ? `\r${up}\x1b[J` : HIDE_CURSOR}${text}`);
    drawn = lines.map((line) => line.reduce((sum, piece) => sum + columnsOf(piece.text), 0));
  };
  const close = () => {
    if (closed) return;
    closed = true;
    process.off("exit", close);
    stream.write(`\n\n${SHOW_CURSOR}`);
  };
  process.on("exit", close);
  draw([[{ text: STARTING, style: "dim" }]]);
  return {
    update(message) {
      if (closed) return;
      progress = advance(progress, message);
      const size = { columns: stream.columns || 80, rows: stream.rows || 24 };
      draw(liveView(progress, size).map((line) => fit(line, size.columns - 1)));
    },
    close,
  };
}

function plain(stream: DisplayStream, now: () => number): Undisposed {
  let progress: Progress | undefined;
  let said = silence;
  stream.write(`${STARTING}\n`);
  return {
    update(message) {
      progress = advance(progress, message);
      const next = plainLines(said, progress, now());
      said = next.said;
      for (const line of next.lines) stream.write(`${line}\n`);
    },
    close() {},
  };
}

function json(stream: DisplayStream): Undisposed {
  let progress: Progress | undefined;
  stream.write(`${JSON.stringify({ event: "starting" })}\n`);
  return {
    update(message) {
      progress = advance(progress, message);
      for (const event of jsonEvents(progress)) stream.write(`${event}\n`);
    },
    close() {},
  };
}

function quiet(): Undisposed {
  return { update() {}, close() {} };
}
