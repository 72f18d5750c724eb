import { columnsOf, wrap } from "#libs/text";
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
  /** Says something beside the progress, also where no progress is shown. */
  note(sentence: string): void;
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

/**
 * Begins to show progress: says at once that something starts, then what it is told.
 * @param notes where a display that shows nothing puts its notes
 * @param now in milliseconds since 1970
 */
export function createDisplay(
  stream: DisplayStream,
  mode: DisplayMode,
  { notes = stream, now = Date.now }: { readonly notes?: DisplayStream; readonly now?: () => number } = {},
): Display {
  const display = mode === "live" ? live(stream) : mode === "plain" ? plain(stream, now) : mode === "json" ? json(stream) : quiet(notes);
  return { ...display, [Symbol.dispose]: display.close };
}

type Undisposed = Pick<Display, "update" | "note" | "close">;

function live(stream: DisplayStream): Undisposed {
  const colours = stream.hasColors?.() ?? false;
  let progress: Progress | undefined;
  let drawn: readonly number[] = [];
  let closed = false;
  const size = () => ({ columns: stream.columns || 80, rows: stream.rows || 24 });
  const draw = (lines: readonly Line[], begin = HIDE_CURSOR) => {
    // From the first row of the picture to the end of the screen, in one write, so that nothing flickers.
    // A terminal that became narrower has wrapped what was drawn.
    const rows = drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / (stream.columns || 80))), 0);
    const up = rows > 1 ? `\x1b[${rows - 1}A` : "";
    const text = lines.map((line) => paint(line, colours)).join("\n");
    stream.write(`${rows > 0 ? `\r${up}\x1b[J` : begin}${text}`);
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
      draw(liveView(progress, size()).map((line) => fit(line, size().columns - 1)));
    },
    note(sentence) {
      if (closed) return;
      // Above the picture, where it stays.
      const text = wrap(printable(sentence), stream.columns || 80);
      draw([...text.split("\n").map((line): Line => [{ text: line, style: "yellow" }]), [], []]);
      drawn = [];
      if (progress !== undefined)
        draw(
          liveView(progress, size()).map((line) => fit(line, size().columns - 1)),
          "",
        );
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
    note: (sentence) => void stream.write(`${printable(sentence)}\n`),
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
    note: (text) => void stream.write(`${JSON.stringify({ event: "note", text })}\n`),
    close() {},
  };
}

function quiet(notes: DisplayStream): Undisposed {
  return { update() {}, note: (sentence) => void notes.write(`ratatouille: ${printable(sentence)}\n`), close() {} };
}

/** Control characters of others may not move the cursor. */
function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}
