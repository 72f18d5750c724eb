import type { Client } from "./client.ts";
import { go } from "./go.ts";

export const clients: readonly Client[] = [go];
