import type { Client } from "./client.ts";
import { go } from "./go.ts";
import { java } from "./java.ts";
import { rust } from "./rust.ts";

export const clients: readonly Client[] = [go, java, rust];
