/**
 * The front door: the interface for those who write applications, and the port for those who write hosts.
 */
export { asClass, asFunction, toApplication } from './application.ts';
export { createEnviron, type EnvironOptions } from './environ.ts';
export {
  ApplicationError,
  DisconnectError,
  type ErrorCode,
  ProtocolError,
} from './errors.ts';
export {
  type FileHandleLike,
  type FileLike,
  FileWrapper,
  type FileWrapperFunction,
  type WrappableFile,
} from './file-wrapper.ts';
export { type GatewayOptions, runApplication } from './gateway.ts';
export { checkGatewayOptions, type OptionRules } from './gateway-options.ts';
export { Headers, isHopByHop } from './headers.ts';
export { decodeNative, encodeNative } from './native.ts';
export type {
  ConnectionDirectives,
  GatewayRequest,
  InputSource,
  ResponseHead,
  ResponseSink,
} from './port.ts';
export { type ReadBodyOptions, readBody, readForm, readJson, readText } from './read-body.ts';
export type { HopByHopPolicy } from './response.ts';
export { applicationUri, guessScheme, rawPathInfo, requestUri, shiftPathInfo } from './uri.ts';
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
  HeaderList,
  InputStream,
  StartResponse,
  Write,
} from './wsgi.ts';
