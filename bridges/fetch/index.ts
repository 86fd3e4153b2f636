/** The front door of the Fetch API. */
export { type FetchHandler, type FetchInfo, type ToFetchOptions, toFetch } from './to-fetch.ts';
