/** The front door of the standalone server. */
export type {
  RequestErrorMessage,
  RequestFinishMessage,
  RequestHeadMessage,
  RequestStartMessage,
} from '../gateway/request-channels.ts';
export { formatMetrics, METRICS_CONTENT_TYPE } from './format-metrics.ts';
export {
  type ConnectionMetrics,
  countersOf,
  type RequestMetrics,
  type ResponseMetrics,
  type ServerMetrics,
  sumMetrics,
  type TimeoutMetrics,
} from './metrics.ts';
export {
  type ConnectionCloseMessage,
  type ConnectionOpenMessage,
  type GatewayMessages,
  observe,
} from './observe.ts';
export { DEFAULT_SETTINGS, type ServerOptions, type ServerSettings } from './options.ts';
export { createServer, type ServeOptions, serve } from './serve.ts';
export { type SecureServer, Server, type ShutdownOptions } from './server.ts';
export { type SlownessOptions, warnOfSlowness } from './slowness.ts';
