import { invalidField } from "../errors.ts";
import { type Comparator, type Field, fieldNamed } from "./fields.ts";

/** One field against one value. */
export type Comparison = { readonly is: "comparison"; readonly field: Field; readonly comparator: Comparator; readonly value: string };

/** What artifacts are searched for, as a tree. */
export type Filter =
  | { readonly is: "and" | "or"; readonly terms: readonly Filter[] }
  | { readonly is: "not"; readonly term: Filter }
  /** A word by itself: a part of a name, an architecture, a task, a domain or a licence. */
  | { readonly is: "word"; readonly word: string }
  | Comparison;

const LONGEST_FILTER = 2000;
/** Each is a look into an index for every artifact that comes into question. */
const MOST_COMPARISONS = 50;

type Token = { readonly type: "(" | ")" | "comparator" | "word" | "quoted" | "end"; readonly text: string; readonly at: number };

/**
 * Parses a filter, a subset of AIP-160 (https://google.aip.dev/160):
 *
 *     filter     = term { [ "AND" ] term } | term { "OR" term }
 *     term       = [ "NOT" | "-" ] ( "(" filter ")" | comparison | text )
 *     comparison = field ( "=" | "!=" | "<" | "<=" | ">" | ">=" | ":" ) text
 *     text       = a word without spaces, parentheses and quotes, or a string in double quotes, in which \" and \\ stand for " and \
 *
 * AND and OR together need parentheses: languages differ in which of them binds more tightly. The empty filter is undefined.
 * @param field what it is called in the request.
 * @throws CatalogError INVALID_FIELD with the position of what is wrong, counted from 1
 * @example
 * ```ts
 * const filter = parseFilter('architecture = resnet50 AND metric.accuracy >= 0.9');
 * filter?.is; // "and"
 * parseFilter("resnet"); // { is: "word", word: "resnet" }
 * parseFilter(""); // undefined
 * ```
 */
export function parseFilter(text: string, field = "filter"): Filter | undefined {
  const problem = (at: number, what: string) => invalidField(field, `at character ${at + 1}: ${what}`);
  if (text.length > LONGEST_FILTER) throw invalidField(field, `at most ${LONGEST_FILTER} characters, not ${text.length}`);
  const tokens = tokensOf(text, problem);
  let next = 0;
  let comparisons = 0;
  const peek = () => tokens[next]!;
  const take = () => tokens[next++]!;
  const isWord = (word: string) => peek().type === "word" && peek().text === word;

  function parseTerms(end: "end" | ")"): Filter {
    const terms = [parseTerm()];
    let joined: "and" | "or" | undefined;
    while (peek().type !== end) {
      if (peek().type === ")") throw problem(peek().at, 'a ")" without a "("');
      if (peek().type === "end") throw problem(peek().at, 'expected ")"');
      const { at } = peek();
      const join = isWord("OR") ? "or" : "and";
      if (isWord("OR") || isWord("AND")) take();
      if (joined !== undefined && joined !== join) throw problem(at, "AND and OR together need parentheses");
      joined = join;
      terms.push(parseTerm());
    }
    return terms.length === 1 ? terms[0]! : { is: joined!, terms };
  }

  function parseTerm(): Filter {
    if (isWord("NOT") || isWord("-")) {
      take();
      return { is: "not", term: parseTerm() };
    }
    const { type, text, at } = take();
    if (type === "(") {
      const inner = parseTerms(")");
      take();
      return inner;
    }
    if (type === "word" && text.length > 1 && text.startsWith("-")) {
      next--;
      tokens[next] = { type, text: text.slice(1), at: at + 1 };
      return { is: "not", term: parseTerm() };
    }
    if ((type !== "word" && type !== "quoted") || text === "AND" || text === "OR")
      throw problem(at, `expected a comparison or a word, got ${named(type, text)}`);
    if (++comparisons > MOST_COMPARISONS) throw problem(at, `at most ${MOST_COMPARISONS} comparisons and words`);
    return type === "word" ? (parseComparison(text, at) ?? { is: "word", word: text }) : { is: "word", word: text };
  }

  /** Undefined where no comparator follows. A name with a dot at its end goes on in quotes. */
  function parseComparison(name: string, at: number): Comparison | undefined {
    const whole = name.endsWith(".") && peek().type === "quoted" ? name + take().text : name;
    if (peek().type !== "comparator") {
      if (whole !== name) throw problem(peek().at, `expected a comparator behind ${whole}`);
      return undefined;
    }
    const comparator = take();
    const value = take();
    if (value.type !== "word" && value.type !== "quoted")
      throw problem(value.at, `expected a value behind ${comparator.text}, got ${named(value.type, value.text)}`);
    const field = fieldNamed(whole);
    if (typeof field === "string") throw problem(at, field);
    const wrong = field.check(comparator.text as Comparator, value.text);
    if (wrong !== undefined) throw problem(wrong.of === "comparator" ? comparator.at : value.at, wrong.problem);
    return { is: "comparison", field, comparator: comparator.text as Comparator, value: value.text };
  }

  return peek().type === "end" ? undefined : parseTerms("end");
}

/** What both filters want. */
export function allOf(one: Filter | undefined, other: Filter | undefined): Filter | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  const terms = [one, other].flatMap((filter) => (filter.is === "and" ? filter.terms : [filter]));
  return { is: "and", terms };
}

/** All comparisons of a filter. */
export function* comparisonsOf(filter: Filter): Generator<Comparison> {
  if (filter.is === "comparison") yield filter;
  else if (filter.is === "not") yield* comparisonsOf(filter.term);
  else if (filter.is !== "word") for (const term of filter.terms) yield* comparisonsOf(term);
}

const outside = /(?<paren>[()])|"(?<quoted>(?:[^"\\]|\\["\\])*)"|(?<comparator>!=|<=|>=|[=<>:])|(?<word>[^\s()"=!<>:]+)/y;
/** Behind a comparator a word may hold what means something elsewhere, such as the ":" of a digest. */
const asValue = /(?<paren>[()])|"(?<quoted>(?:[^"\\]|\\["\\])*)"|(?<comparator>!=|<=|>=|[=<>:])|(?<word>[^\s()"]+)/y;

function tokensOf(text: string, problem: (at: number, what: string) => Error): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; ; ) {
    at += text.slice(at).search(/\S|$/);
    if (at === text.length) break;
    const form = tokens.at(-1)?.type === "comparator" ? asValue : outside;
    form.lastIndex = at;
    const { paren, quoted, comparator, word } = form.exec(text)?.groups ?? {};
    if (paren !== undefined) tokens.push({ type: paren as "(" | ")", text: paren, at });
    else if (quoted !== undefined) tokens.push({ type: "quoted", text: quoted.replace(/\\(.)/g, "$1"), at });
    else if (comparator !== undefined) tokens.push({ type: "comparator", text: comparator, at });
    else if (word !== undefined) tokens.push({ type: "word", text: word, at });
    else throw problem(at, text[at] === '"' ? "a string without an end" : `${JSON.stringify(text[at])} has no meaning here`);
    at = form.lastIndex;
  }
  tokens.push({ type: "end", text: "", at: text.length });
  return tokens;
}

function named(type: Token["type"], text: string): string {
  return type === "end" ? "the end" : JSON.stringify(text);
}
