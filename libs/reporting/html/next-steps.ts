import { modelFolder, modelName } from "../model-folder.ts";
import type { Report } from "../report.ts";
import { SEEDS_TO_DECIDE } from "../verdict.ts";
import { counted, inWords } from "../words.ts";
import { html, type Markup } from "./markup.ts";

/** What a reader can do now, most useful first, with the commands. `hasRunFile`: whether run.yaml lies beside the page. */
export function nextSteps({ name, cells, task }: Report, hasRunFile: boolean): Markup {
  const made = cells.flatMap((cell) => {
    const averaged = cell.averages.some(({ method, model }) => method === "recycling" && model !== undefined);
    return averaged ? [{ folder: modelFolder(cell), model: modelName(name, cell) }] : [];
  })[0];
  const seeds = task.seeds.length;
  const again = hasRunFile ? html`<code>ratatouille recycle run.yaml</code>` : "the same command";
  const steps = [
    ...(made === undefined
      ? []
      : [
          html`<li>Use a model: <code>${made.folder}/README.md</code> has the lines that load it in PyTorch.</li>`,
          html`<li>See what it was made from, and make it again to compare: <pre tabindex="0" role="group" aria-label="Commands">ratatouille lineage ${made.model}
ratatouille reproduce ${made.model}</pre></li>`,
        ]),
    ...(seeds < SEEDS_TO_DECIDE
      ? [
          html`<li>Decide what ${counted(seeds, "seed")} cannot: put ${inWords(SEEDS_TO_DECIDE)} or more into <code>seeds</code> and run ${again}. What was made is not made again.</li>`,
        ]
      : []),
    html`<li>Change anything else in the run file, such as the auxiliaries, and run it: only what depends on the change is made anew.</li>`,
  ];
  return html`<ul class="next">${steps}</ul>`;
}
