/** A regular expression that is not one, or has what is not read here. The message is the end of a sentence. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

/** Whether a whole text matches. */
export type Pattern = (text: string) => boolean;

/**
 * Reads a regular expression as Python's `re` does, as far as names of modules are told apart by them: literals, classes, groups,
 * alternatives, quantifiers, `^ $ \b \B` and look-ahead. Matching takes the time of a polynomial in the length of the text, whatever the
 * expression: all places that a part can end at are followed together, so that expressions of strangers cannot run for ever.
 * @example pythonPattern(String.raw`.*self_attn\.(q|v)_proj`)("model.layers.0.self_attn.q_proj") // true
 * @throws PatternError
 */
export function pythonPattern(source: string): Pattern {
  const node = parse(source);
  return (text) => node(text, new Set([0])).has(text.length);
}

/** From where a part may begin to where it may end. */
type Node = (text: string, from: ReadonlySet<number>) => Set<number>;
type Test = (character: string) => boolean;

const MOST_LENGTH = 10_000;
// A repetition within a repetition multiplies the time by the length of the text.
const MOST_NESTED = 4;

function parse(source: string): Node {
  if (source.length > MOST_LENGTH) throw new PatternError(`it has ${source.length} characters, more than ${MOST_LENGTH}`);
  let at = 0;

  const eat = (text: string) => {
    if (!source.startsWith(text, at)) return false;
    at += text.length;
    return true;
  };

  function alternatives(depth: number): Node {
    const options = [sequence(depth)];
    while (eat("|")) options.push(sequence(depth));
    return options.length === 1 ? options[0]! : (text, from) => new Set(options.flatMap((option) => [...option(text, from)]));
  }

  function sequence(depth: number): Node {
    const parts: Node[] = [];
    while (at < source.length && source[at] !== "|" && source[at] !== ")") parts.push(quantified(depth));
    return (text, from) => parts.reduce((places, part) => (places.size === 0 ? places : part(text, places)), new Set(from));
  }

  function quantified(depth: number): Node {
    const begin = at;
    let node = atom(depth);
    for (let times = quantifier(); times !== undefined; times = quantifier()) {
      // What a lazy quantifier prefers does not matter: all places are followed.
      eat("?");
      if (depth >= MOST_NESTED) throw new PatternError(`it repeats repetitions more than ${MOST_NESTED} deep`);
      if (source[at] === "+") throw new PatternError("it has a possessive quantifier, which is not read here");
      if (at === begin) throw new PatternError("there is nothing to repeat");
      node = repeated(node, times);
    }
    return node;
  }

  function quantifier(): { min: number; max: number } | undefined {
    if (eat("*")) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (eat("+")) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (eat("?")) return { min: 0, max: 1 };
    const [all, low, comma, high] = /^\{(\d*)(,?)(\d*)\}/.exec(source.slice(at, at + 24)) ?? [];
    if (all === undefined || all === "{}" || (comma === "" && low === "")) return undefined;
    at += all.length;
    return { min: Number(low), max: comma === "" ? Number(low) : high === "" ? Number.POSITIVE_INFINITY : Number(high) };
  }

  function atom(depth: number): Node {
    if (eat("(")) return group(depth + 1);
    if (eat("[")) return one(characterClass());
    if (eat("^") || eat("\\A")) return where((_, place) => place === 0);
    if (eat("$") || eat("\\Z")) return where((text, place) => place === text.length);
    if (eat("\\b")) return where(isBoundary);
    if (eat("\\B")) return where((text, place) => !isBoundary(text, place));
    if (eat(".")) return one((character) => character !== "\n");
    if (/[*+?]/.test(source[at]!)) throw new PatternError(`there is nothing to repeat before ${JSON.stringify(source[at])}`);
    if (eat("\\")) return one(escaped());
    const literal = source[at++]!;
    return one((character) => character === literal);
  }

  function group(depth: number): Node {
    const ahead = eat("?=") ? "with" : eat("?!") ? "without" : undefined;
    const named = /^\?P<[A-Za-z_]\w*>/.exec(source.slice(at, at + 64));
    if (named) at += named[0].length;
    else if (ahead === undefined && !eat("?:") && source[at] === "?")
      throw new PatternError(`it has (${source.slice(at, at + 3)}, which is not read here`);
    const node = alternatives(depth);
    if (!eat(")")) throw new PatternError("a bracket is not closed");
    if (ahead === undefined) return node;
    return where((text, place) => node(text, new Set([place])).size > 0 === (ahead === "with"));
  }

  function characterClass(): Test {
    const negated = eat("^");
    const tests: Test[] = [];
    for (let first = true; first || source[at] !== "]"; first = false) {
      if (at >= source.length) throw new PatternError("a class is not closed");
      const low = classMember();
      if (typeof low === "string" && source[at] === "-" && source[at + 1] !== "]") {
        at++;
        const high = classMember();
        if (typeof high !== "string" || high < low) throw new PatternError("a class has a range that is none");
        tests.push((character) => character >= low && character <= high);
      } else tests.push(typeof low === "string" ? (character) => character === low : low);
    }
    at++;
    return (character) => tests.some((test) => test(character)) !== negated;
  }

  function classMember(): string | Test {
    if (!eat("\\")) return source[at++]!;
    const letter = source[at] ?? "";
    if (letter in CONTROLS || /[^A-Za-z0-9]/.test(letter)) {
      at++;
      return CONTROLS[letter] ?? letter;
    }
    return escaped();
  }

  /** What stands after a backslash. */
  function escaped(): Test {
    const letter = source[at++];
    if (letter === undefined) throw new PatternError("it ends with a backslash");
    const kind = KINDS[letter.toLowerCase()];
    if (kind !== undefined) return letter === letter.toLowerCase() ? (c) => kind.test(c) : (c) => !kind.test(c);
    const control = CONTROLS[letter];
    if (control === undefined && /[A-Za-z0-9]/.test(letter)) throw new PatternError(`it has \\${letter}, which is not read here`);
    return (character) => character === (control ?? letter);
  }

  const node = alternatives(0);
  if (at < source.length) throw new PatternError("a bracket is closed that was not opened");
  return node;
}

const CONTROLS: { readonly [letter: string]: string } = { n: "\n", t: "\t", r: "\r" };
const KINDS: { readonly [letter: string]: RegExp } = { d: /\d/, w: /\w/, s: /\s/ };

function one(test: Test): Node {
  return (text, from) => {
    const to = new Set<number>();
    for (const place of from) if (place < text.length && test(text[place]!)) to.add(place + 1);
    return to;
  };
}

function where(holds: (text: string, place: number) => boolean): Node {
  return (text, from) => new Set([...from].filter((place) => holds(text, place)));
}

function isBoundary(text: string, place: number): boolean {
  return /\w/.test(text[place - 1] ?? "") !== /\w/.test(text[place] ?? "");
}

function repeated(node: Node, { min, max }: { readonly min: number; readonly max: number }): Node {
  return (text, from) => {
    let places: Set<number> = new Set(from);
    // Beyond its length a text has no new places: what is left of the times changes nothing.
    for (let time = 0; time < Math.min(min, text.length + 1) && places.size > 0; time++) places = node(text, places);
    const all = new Set(places);
    for (let time = min; time < max && places.size > 0; time++) {
      places = new Set([...node(text, places)].filter((place) => !all.has(place)));
      for (const place of places) all.add(place);
    }
    return all;
  };
}
