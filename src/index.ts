/**
 * Public entry `gatebridge`: the interface for applications, and the port for hosts.
 */

export {
  ApplicationError,
  DisconnectError,
  type ErrorCode,
  ProtocolError,
  UpstreamError,
  type UpstreamErrorOptions,
} from './errors.ts';
export { asClass, asFunction, toApplication } from './gateway/application.ts';
export { checkGatewayOptions, type OptionRules } from './gateway/check-options.ts';
export { createEnviron, type EnvironOptions } from './gateway/environ.ts';
export type { EnvironOption, EnvironPairs } from './gateway/environ-pairs.ts';
export {
  type FileHandleLike,
  type FileLike,
  FileWrapper,
  type FileWrapperFunction,
  type WrappableFile,
} from './gateway/file-wrapper.ts';
export type { GatewayOptions } from './gateway/gateway-options.ts';
export { Headers, isHopByHop } from './gateway/headers.ts';
export { decodeNative, encodeNative } from './gateway/native-string.ts';
export { type ReadBodyOptions, readBody, readForm, readJson, readText } from './gateway/read-body.ts';
export type { HopByHopPolicy } from './gateway/response-headers.ts';
export { runApplication } from './gateway/run-application.ts';
export { applicationUri, guessScheme, rawPathInfo, requestUri, shiftPathInfo } from './gateway/uri.ts';
export type {
  ConnectionDirectives,
  ConnectionField,
  GatewayRequest,
  InputSource,
  ResponseHead,
  ResponseSink,
} from './port.ts';
export type {
  Application,
  ApplicationClass,
  ApplicationFunction,
  ApplicationObject,
  Body,
  Chunk,
  Environ,
  ErrorStream,
  FinishedCallback,
  HandedOver,
  HeaderList,
  InputStream,
  ProxyEndpoint,
  ProxyProtocol,
  StartResponse,
  Write,
} from './wsgi.ts';
