import { ownEngines } from "#libs/engines";
import { findTensorflow, probe } from "#libs/tensorflow";
import { bytes } from "#libs/text";
import { explain } from "../../explain.ts";
import type { Finding } from "./finding.ts";

/** The engines that need an installation of their own: what is there, whether it runs, and how to get it. Neither is needed for digits. */
export async function checkTensorflow(signal: AbortSignal): Promise<Finding[]> {
  const findings: Finding[] = [];
  let chosen: string | undefined;
  // The fastest is looked at last, and counts.
  for (const { name, device, setup: variant } of ownEngines.filter((engine) => "setup" in engine).reverse()) {
    const topic = `engine ${name}`;
    const installed = await findTensorflow(variant);
    if (!installed) {
      findings.push({ topic, right: true, fact: `not installed; ratatouille setup ${variant} does it` });
      continue;
    }
    const probed = await probe(installed.binding, { signal }).catch((error: unknown) => ({ problem: explain(error) }));
    if ("problem" in probed) {
      const advice = `remove ${installed.folder}, then ratatouille setup ${variant}`;
      findings.push({ topic, right: false, fact: `TensorFlow ${installed.version} does not run: ${probed.problem}`, advice });
      continue;
    }
    const notes = probed.notes.length > 0 ? `: ${probed.notes.join("; ")}` : "";
    const accelerator = probed.accelerator ? ", with an accelerator" : `, but no accelerator was found${notes}`;
    const place = `TensorFlow ${probed.version}, ${bytes(installed.bytes)} in ${installed.folder}`;
    findings.push({ topic, right: true, fact: device === "gpu" ? place + accelerator : place });
    if (device === "cpu") chosen = `${name}: TensorFlow is here, and no accelerator that it can use`;
    else if (probed.accelerator) chosen = `${name}: there is an accelerator`;
  }
  const networks = chosen ?? "wasm where they are small, such as mnist-cnn, and others need ratatouille setup tensorflow, or backend: wasm";
  const fact = `networks of images on trainers of this machine take ${networks}; digits take wasm, whose bytes are the same everywhere`;
  return [...findings, { topic: "engine auto", right: true, fact }];
}
