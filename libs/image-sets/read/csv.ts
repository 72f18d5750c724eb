/** Text that is not CSV as RFC 4180 has it. */
export class CsvError extends Error {
  override readonly name = "CsvError";
  readonly line: number;
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.line = line;
  }
}

/** One record and the line on which it begins, counted from 1. */
export type CsvRecord = { readonly line: number; readonly fields: readonly string[] };

type State = "start" | "bare" | "quoted" | "quote";

/**
 * Reads comma-separated values (RFC 4180) as they come: fields may stand in double quotes, where two of them are one. Lines end with LF or
 * CR LF; empty ones are passed by.
 * @throws CsvError for a quote inside of a field without, for text behind a closing quote, and for a quote that is never closed
 * @example
 * ```ts
 * const records: (readonly string[])[] = [];
 * async function* text() {
 *   yield 'file,class\n"a, b.jpg",d';
 *   yield "og\r\n";
 * }
 * for await (const { fields } of parseCsv(text())) records.push(fields);
 * records; // [["file", "class"], ["a, b.jpg", "dog"]]
 * ```
 */
export async function* parseCsv(pieces: AsyncIterable<string>): AsyncGenerator<CsvRecord, void, undefined> {
  let state = "start" as State;
  let fields: string[] = [];
  let field = "";
  let line = 1;
  let begin = 1;

  /** Takes one character; gives a record where it ends one. */
  function take(character: string): CsvRecord | undefined {
    const ends = character === "\n" || character === ",";
    if (state === "quoted") {
      if (character === '"') state = "quote";
      else field += character;
    } else if (state === "quote" && character === '"') {
      field += character;
      state = "quoted";
    } else if (ends) {
      // CR LF is one end of a line.
      fields.push(character === "\n" && field.endsWith("\r") && state !== "quote" ? field.slice(0, -1) : field);
      field = "";
      state = "start";
      if (character === "\n") return endRecord();
    } else if (state === "quote") {
      if (character !== "\r") throw new CsvError(line, "there is text behind a closing quote");
    } else if (character === '"') {
      if (state === "bare") throw new CsvError(line, "there is a quote in a field that does not begin with one");
      state = "quoted";
    } else {
      field += character;
      state = "bare";
    }
    return undefined;
  }

  function endRecord(): CsvRecord | undefined {
    const record = { line: begin, fields };
    fields = [];
    return record.fields.length === 1 && record.fields[0] === "" ? undefined : record;
  }

  for await (const piece of pieces) {
    for (const character of piece) {
      const record = take(character);
      if (character === "\n") line++;
      if (record !== undefined || (character === "\n" && fields.length === 0 && state === "start")) begin = line;
      if (record !== undefined) yield record;
    }
  }
  if (state === "quoted") throw new CsvError(begin, "a quote is never closed");
  const last = fields.length > 0 || field !== "" || state === "quote" ? take("\n") : undefined;
  if (last !== undefined) yield last;
}
