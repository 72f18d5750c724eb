export { type HttpChallenge, tokenOf } from "./authorize.ts";
export { limitedBody, readBody, writeBody } from "./bodies.ts";
export { HttpError, httpStatus } from "./errors.ts";
export type { HttpContext, HttpErrorBody, HttpHandler, HttpLog } from "./exchange.ts";
export { type HttpLimits, httpLimits } from "./limits.ts";
export { type HttpServer, type ServeHttpOptions, serveHttp } from "./server.ts";
