/** A word of the Brown corpus, and its tag without what marks titles, headlines and citations. */
export type Word = { readonly text: string; readonly tag: string };

/**
 * The words of a line of the Brown corpus: `word/tag`, separated by blanks.
 * @example
 * ```ts
 * wordsOf("\tThe/at Fulton/np-tl 1/2/cd ./.").map(({ text, tag }) => `${text} ${tag}`); // ["The at", "Fulton np", "1/2 cd", ". ."]
 * ```
 */
export function wordsOf(line: string): Word[] {
  return line
    .split(/\s+/)
    .filter((token) => token.includes("/"))
    .map((token) => {
      const slash = token.lastIndexOf("/");
      return {
        text: token.slice(0, slash),
        tag: token
          .slice(slash + 1)
          .replace(/(-(tl|hl|nc))+$/, "")
          .replace(/\$$/, ""),
      };
    });
}

/** The tags of the universal tag set (Petrov et al., 2012), without punctuation, foreign words and interjections, each with those of Brown that it has. */
const parts: { readonly [part: string]: RegExp } = {
  NOUN: /^(nn|nns|np|nps|nr|nrs)$/,
  VERB: /^(vb|vbd|vbg|vbn|vbz|be|bed|bedz|beg|bem|ben|ber|bez|do|dod|doz|hv|hvd|hvg|hvn|hvz|md)$/,
  ADJ: /^(jj|jjr|jjs|jjt|od)$/,
  ADV: /^(rb|rbr|rbt|rn|ql|qlp|wrb|wql|\*)$/,
  PRON: /^(pn|pp|ppl|ppls|ppo|pps|ppss|wps|wpo|wp)$/,
  DET: /^(at|ap|abl|abn|abx|dt|dti|dts|dtx|wdt)$/,
  ADP: /^(in|cs)$/,
  CONJ: /^cc$/,
  NUM: /^cd$/,
  PRT: /^(to|rp|ex)$/,
};

/** What a word is told to be in a task; undefined where the task is not about it. `before` is the word before it, in its sentence. */
export type Labelling = (word: Word, before: Word | undefined) => string | undefined;

/** The part of speech of a word; undefined of punctuation, foreign words, and two words written as one. */
export const partOfSpeech: Labelling = ({ tag }) => Object.keys(parts).find((part) => parts[part]!.test(tag));

const forms: { readonly [form: string]: RegExp } = {
  base: /^(vb|do|hv|be)$/,
  past: /^(vbd|dod|hvd|bed|bedz)$/,
  present: /^(vbz|doz|hvz|bez|bem|ber)$/,
  gerund: /^(vbg|hvg|beg)$/,
  participle: /^(vbn|hvn|ben)$/,
  modal: /^md$/,
};
const numbers: { readonly [number: string]: RegExp } = { singular: /^nn$/, plural: /^nns$/, name: /^(np|nps)$/ };

const named = (words: { readonly [label: string]: RegExp }): Labelling => {
  return ({ tag }) => Object.keys(words).find((label) => words[label]!.test(tag));
};

const OF_PHRASES = new Set(["NOUN", "ADJ", "DET", "NUM"]);

/** Other taggings of the same language: the form of verbs, the number of nouns, and where noun phrases begin, go on and are not. */
export const otherTaggings: { readonly [task: string]: Labelling } = {
  tense: named(forms),
  number: named(numbers),
  phrases(word, before) {
    const part = partOfSpeech(word, before);
    if (part === undefined) return undefined;
    if (!OF_PHRASES.has(part)) return "outside";
    const goesOn = before !== undefined && OF_PHRASES.has(partOfSpeech(before, undefined) ?? "") && part !== "DET";
    return goesOn ? "inside" : "begin";
  },
};
