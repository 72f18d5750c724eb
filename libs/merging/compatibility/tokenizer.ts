import { type Description, groupModels, namesOf } from "./description.ts";
import { type Finding, finding } from "./report.ts";

/**
 * Whether the models take the same tokens for the same numbers. A token that has another number elsewhere has its embedding in another
 * row, so that the mean would mix two tokens. Looks into the files only where their digests differ.
 * @param leftOut no tensor with a row for each token goes into the result
 */
export async function compareTokenizers(models: readonly Description[], leftOut = false): Promise<Finding[]> {
  const groups = groupModels(models, ({ tokenizer }) => tokenizer?.digest);
  const findings: Finding[] = [];
  const without = models.filter(({ tokenizer }) => tokenizer === undefined);
  if (groups.size > 0 && without.length > 0) {
    const sentence = `No tokenizer lies beside ${namesOf(without)}.`;
    findings.push(finding("note", "tokenizer", sentence, { models: without.map(({ name }) => name) }));
  }
  const [first, ...others] = [...groups.values()].map(([model]) => model!);
  if (first === undefined || others.length === 0) return findings;
  const vocabulary = await first.tokenizer!.vocabulary?.();
  for (const other of others) {
    const found = compare(first, vocabulary, other, await other.tokenizer!.vocabulary?.());
    findings.push(leftOut ? { ...found, severity: "note", sentence: `${found.sentence} The embeddings are left out.` } : found);
  }
  return findings;
}

type Vocabulary = ReadonlyMap<string, number> | undefined;

function compare(a: Description, ofA: Vocabulary, b: Description, ofB: Vocabulary): Finding {
  const models = [a.name, b.name];
  const beginning = `The tokenizers of ${a.name} and ${b.name} differ`;
  if (ofA === undefined || ofB === undefined) {
    return finding("warning", "tokenizer", `${beginning}; their vocabularies could not be compared.`, { models });
  }
  const onlyA = [...ofA.keys()].filter((token) => !ofB.has(token)).length;
  const onlyB = [...ofB.keys()].filter((token) => !ofA.has(token)).length;
  const moved = [...ofA].filter(([token, id]) => ofB.has(token) && ofB.get(token) !== id);
  const counts = `${onlyA} tokens are only in the first, ${onlyB} only in the second`;
  if (moved.length > 0) {
    const [token, id] = moved[0]!;
    const example = `${JSON.stringify(token)} is ${id} and ${ofB.get(token)}`;
    return finding("error", "tokenizer", `${beginning}: ${moved.length} tokens have other numbers (${example}), ${counts}.`, { models });
  }
  // The same number for two tokens, neither of which the other has: the row means both.
  const idsOfB = new Map([...ofB].map(([token, id]) => [id, token]));
  const replaced = [...ofA].filter(([token, id]) => idsOfB.has(id) && idsOfB.get(id) !== token).length;
  if (replaced > 0) {
    return finding("error", "tokenizer", `${beginning}: ${replaced} numbers stand for other tokens, ${counts}.`, { models });
  }
  if (onlyA + onlyB > 0) return finding("warning", "tokenizer", `${beginning}: ${counts}; all others have the same numbers.`, { models });
  return finding("note", "tokenizer", `${beginning}, but not in their tokens and numbers.`, { models });
}
