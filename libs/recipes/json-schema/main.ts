// Writes proto/recipes: `npm run gen:recipes`.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { jsonSchemas } from "./json-schemas.ts";

const directory = resolve(import.meta.dirname, "../../../proto/recipes");
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
for (const [name, text] of jsonSchemas()) writeFileSync(join(directory, name), text);
