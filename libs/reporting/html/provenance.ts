import { Document, isScalar, visit } from "yaml";
import { methodTexts } from "../methods.ts";
import { modelFolder } from "../model-folder.ts";
import type { Report } from "../report.ts";
import { html, type Markup } from "./markup.ts";
import { scrolling } from "./scrolling.ts";

/** More models than these are folded away. */
const SHOWN_MODELS = 20;

/** The averaged models: where those lie that the run has written, and the digests, which `ratatouille lineage` and `reproduce` take. */
export function modelsTable({ cells }: Report): Markup {
  const rows = cells.flatMap((cell) =>
    cell.averages.flatMap(({ method, model }) =>
      model === undefined || !method.startsWith("recycling")
        ? []
        : [
            html`<tr><td>${cell.seed}</td><td>${cell.heldOut}</td><td class="text">${methodTexts[method].label}</td><td class="text">${method === "recycling" ? html`<code>${modelFolder(cell)}</code>` : "in the catalog"}</td><td class="text"><code>${model}</code></td></tr>\n`,
          ],
    ),
  );
  const table = scrolling(
    "Averaged models",
    html`<table class="dense"><caption>Averaged models. Folders are beside this page. <code>ratatouille lineage DIGEST</code> shows what one was made from, <code>ratatouille reproduce DIGEST</code> makes it again and compares.</caption>
<thead><tr><th scope="col">seed</th><th scope="col">held out</th><th scope="col" class="text">method</th><th scope="col" class="text">folder</th><th scope="col" class="text">digest</th></tr></thead>
<tbody>
${rows}</tbody></table>`,
  );
  return rows.length <= SHOWN_MODELS
    ? table
    : html`<details class="long"><summary>${String(rows.length)} averaged models</summary>${table}</details>`;
}

/** Where the time went. */
export function timingsTable({ timings }: Report): Markup {
  const { wallSeconds, computeSeconds, artifacts, made, reused, failed, stages } = timings;
  const rows = stages.map(
    (stage) =>
      html`<tr><th scope="row">${stage.name}</th><td>${String(stage.artifacts)}</td><td>${String(stage.made)}</td><td>${stage.computeSeconds?.toFixed(1) ?? "not measured"}</td></tr>\n`,
  );
  const others = [...(reused > 0 ? [`${reused} were in the catalog already`] : []), ...(failed > 0 ? [`${failed} could not be made`] : [])];
  const table = html`<table style="max-width:36rem"><caption>${duration(wallSeconds)} from start to end. Of ${String(artifacts)} artifacts this run made ${String(made)}${others.map((text) => html`; ${text}`)}. Computing: CPU time of the attempts that succeeded, all threads; of evaluations the time in their thread.</caption>
<thead><tr><th scope="col">stage</th><th scope="col">artifacts</th><th scope="col">made by this run</th><th scope="col">seconds of computing</th></tr></thead>
<tbody>
${rows}<tr><th scope="row">all</th><td>${String(artifacts)}</td><td>${String(made)}</td><td>${computeSeconds.toFixed(1)}</td></tr></tbody></table>`;
  return scrolling("Timings", table);
}

/** The run as a run file, or its specification where there is none; licences and identity. */
export function recipeBlock({ recipe, licences, runId, task, ratatouille }: Report, runFile?: string): Markup {
  return html`<pre role="group" aria-label="Recipe" tabindex="0">${runFile?.trimEnd() ?? yamlText(recipe)}</pre>
<dl><dt>run</dt><dd><code>${runId}</code></dd><dt>data</dt><dd><code>${task.source}</code></dd><dt>arithmetic</dt><dd>${task.backend}</dd><dt>licences</dt><dd>${licences.join(", ")}</dd><dt>made with</dt><dd>ratatouille ${ratatouille}</dd></dl>`;
}

function duration(seconds: number): string {
  if (seconds < 90) return `${seconds.toFixed(1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} minutes` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** YAML in which lists of plain values, and mappings of a few of them, take one line. */
function yamlText(value: unknown): string {
  const document = new Document(value);
  visit(document, {
    Seq: (_, node) => {
      node.flow = node.items.every((item) => isScalar(item)) && node.items.map(String).join(", ").length <= 72;
    },
    Map: (_, node) => {
      node.flow = node.items.length <= 4 && node.items.every(({ value: item }) => isScalar(item));
    },
  });
  return document.toString({ lineWidth: 100 }).trimEnd();
}
