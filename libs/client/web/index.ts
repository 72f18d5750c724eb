/** The client of a server's HTTP port, for browsers and whatever else has `fetch`. */
export { connectToWeb, type WebClient, type WebOptions } from "./connect-to-web.ts";
export type { WebSession } from "./session.ts";
