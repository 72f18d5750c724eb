import { isMap } from "yaml";
import type { Reference } from "./config.ts";
import { type Field, fields, positionOf, type Reading, resolve, text, wrong } from "./nodes.ts";

const ONLY_ON_THE_HUB = "nothing is downloaded here, so give a folder that holds this revision";

/** Reads a model's name: "model", "model+adapter", or mergekit's long form with `model`, `lora` and `path`. */
export function readReference(reading: Reading, place: Field): Reference | undefined {
  const position = positionOf(reading, place.node);
  let model: string | undefined;
  let adapter: string | undefined;
  if (isMap(resolve(reading, place.node))) {
    const found = fields(reading, place, ["model", "lora"], { override_architecture: "models are compared by their tensors" });
    if (found === undefined) return undefined;
    const inner = found.get("model");
    if (inner === undefined) return wrong(reading, place, "needs `model`");
    model = readPath(reading, inner);
    const lora = found.get("lora");
    if (lora !== undefined) {
      adapter = readPath(reading, lora);
      if (adapter === undefined) return undefined;
    }
  } else {
    const whole = text(reading, place);
    if (whole === undefined) return undefined;
    const parts = whole.split("+");
    if (parts.length > 2 || parts.includes("")) return wrong(reading, place, `must be a model or model+adapter, not \`${whole}\``);
    [model, adapter] = parts.map((part) => checkRevision(reading, place, part));
    if (parts.length === 2 && adapter === undefined) return undefined;
  }
  if (model === undefined) return undefined;
  return { text: adapter === undefined ? model : `${model}+${adapter}`, model, ...(adapter === undefined ? {} : { adapter }), ...position };
}

function readPath(reading: Reading, place: Field): string | undefined {
  if (!isMap(resolve(reading, place.node))) {
    const path = text(reading, place);
    return path && checkRevision(reading, place, path);
  }
  const found = fields(reading, place, ["path"], { revision: ONLY_ON_THE_HUB });
  const path = found?.get("path");
  return path === undefined ? found && wrong(reading, place, "needs `path`") : text(reading, path);
}

/** mergekit reads what follows an "@" as a revision on the hub. */
function checkRevision(reading: Reading, place: Field, path: string): string | undefined {
  const at = path.indexOf("@");
  if (at < 0) return path;
  return wrong(reading, place, `names the revision \`${path.slice(at + 1)}\`: ${ONLY_ON_THE_HUB}`);
}
