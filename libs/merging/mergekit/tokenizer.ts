import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ModelFiles } from "#libs/models";
import { tokenizerIn } from "../compatibility/tokenizer-files.ts";
import type { MergekitConfig } from "./config.ts";
import { type ConfigProblem, MergekitError } from "./errors.ts";
import { problemAt } from "./roles.ts";

/** The models of a configuration by the text that names them. */
export type ModelsByName = ReadonlyMap<string, ModelFiles>;

/**
 * The model whose tokenizer and chat template the result has: the base or the first, or what the configuration says. Reads small files.
 * @throws MergekitError where that would not be mergekit's tokenizer: a union of several, or a chat template of another model.
 */
export async function tokenizerDonor(config: MergekitConfig, models: ModelsByName, donor: ModelFiles): Promise<ModelFiles> {
  const chosen = await chosenBy(config, models, donor);
  if ("message" in chosen) throw new MergekitError(config.path, [chosen]);
  const problem = await templateProblem(config, models, chosen);
  if (problem !== undefined) throw new MergekitError(config.path, [problem]);
  return chosen;
}

async function chosenBy({ tokenizer, base }: MergekitConfig, models: ModelsByName, donor: ModelFiles): Promise<ModelFiles | ConfigProblem> {
  if (tokenizer === undefined) return donor;
  const { from, line } = tokenizer;
  if (from === "union") return unionProblem(tokenizer, models, donor);
  if (from !== "base") return models.get(from.text)!;
  return base === undefined
    ? problemAt(tokenizer, `the tokenizer at line ${line} is \`base\`, and there is no \`base_model\``)
    : models.get(base.text)!;
}

/** Equal tokenizers are their own union. */
async function unionProblem(
  place: { line: number; column: number },
  models: ModelsByName,
  donor: ModelFiles,
): Promise<ModelFiles | ConfigProblem> {
  const first = await tokenizerIn(donor.path);
  const vocabulary = await first?.vocabulary?.();
  for (const model of models.values()) {
    const other = await tokenizerIn(model.path);
    if (other === undefined || other.digest === first?.digest) continue;
    const tokens = await other.vocabulary?.();
    const equal =
      vocabulary !== undefined && tokens?.size === vocabulary.size && [...tokens].every(([token, id]) => vocabulary.get(token) === id);
    if (equal) continue;
    const why = first === undefined ? `${donor.name} has none` : `those of ${donor.name} and ${model.name} differ`;
    return problemAt(
      place,
      `the tokenizer at line ${place.line} is \`union\`, which is taken where all tokenizers are equal: ${why}. Rows of embeddings are not moved here; choose \`base\` or one model if their vocabularies fit`,
    );
  }
  return donor;
}

/** `auto` takes the template that most models have. It is copied with the tokenizer, so it has to be the one of that model. */
async function templateProblem(
  { chatTemplate }: MergekitConfig,
  models: ModelsByName,
  chosen: ModelFiles,
): Promise<ConfigProblem | undefined> {
  if (chatTemplate === undefined) return undefined;
  const counts = new Map<string, { count: number; name: string }>();
  for (const model of models.values()) {
    const template = await chatTemplateIn(model.path);
    if (template !== undefined)
      counts.set(template, { name: model.name, ...counts.get(template), count: (counts.get(template)?.count ?? 0) + 1 });
  }
  const [most] = [...counts].sort(([, a], [, b]) => b.count - a.count);
  if (most === undefined || most[0] === (await chatTemplateIn(chosen.path))) return undefined;
  const { line } = chatTemplate;
  return problemAt(
    chatTemplate,
    `\`chat_template\` at line ${line} is \`auto\`, and most models have that of ${most[1].name}, while the tokenizer is of ${chosen.name}: write \`tokenizer_source: ${most[1].name}\`, or leave \`chat_template\` out`,
  );
}

/** The chat template in a model's folder. */
async function chatTemplateIn(folder: string): Promise<string | undefined> {
  const own = await readFile(join(folder, "chat_template.jinja"), "utf8").catch(() => undefined);
  if (own !== undefined) return own.trim();
  const text = await readFile(join(folder, "tokenizer_config.json"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { chat_template: template } = JSON.parse(text) as { chat_template?: unknown };
    return typeof template === "string" ? template.trim() : undefined;
  } catch {
    return undefined;
  }
}
