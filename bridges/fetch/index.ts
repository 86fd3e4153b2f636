/** The front door of the Fetch API. */
export { FetchContext } from './fetch-context.ts';
export type { FetchEnv, FetchModule, FetchProgram } from './fetch-program.ts';
export { type FromFetchOptions, fromFetch } from './from-fetch.ts';
export { LightResponse } from './light-response.ts';
export { type FetchHandler, type FetchInfo, type ToFetchOptions, toFetch } from './to-fetch.ts';
