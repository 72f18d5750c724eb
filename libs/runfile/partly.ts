/** What was read of something: what is wrong or missing is undefined. */
export type Partly<T> = T extends readonly unknown[] ? T : T extends object ? { readonly [K in keyof T]: Partly<T[K]> | undefined } : T;
