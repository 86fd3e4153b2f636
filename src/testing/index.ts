/** Entry `gatebridge/testing`: environ builder, application runner, in-process client. */
export { type BuildEnvironOptions, buildEnviron } from './build-environ.ts';
export {
  type Client,
  type ClientOptions,
  type ClientRequestOptions,
  type ClientResponse,
  createClient,
} from './client.ts';
export type { Cookie, CookieJar, CookieScope } from './cookie-jar.ts';
export type { ContentOptions } from './request-content.ts';
export { type RunBody, type RunOptions, type RunResponse, runApp } from './run-app.ts';
export { MemoryErrors, setupTestingDefaults } from './testing-defaults.ts';
