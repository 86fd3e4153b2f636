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
export type { FormFile, FormValue } from './form-file.ts';
export { type EnvironDescription, fromEnviron } from './from-environ.ts';
export type { ContentOptions, FormFields } from './request-content.ts';
export type { RequestHeaders } from './request-headers.ts';
export type { ResponseForm } from './response-form.ts';
export { type RunResponse, runApp, type TestingOptions } from './run-app.ts';
export type { RunBody } from './run-body.ts';
export type { InterimResponse } from './test-sink.ts';
export { MemoryErrors, setupTestingDefaults } from './testing-defaults.ts';
