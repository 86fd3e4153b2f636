/**
 * The extension keys that runApplication adds to an environ, beyond PEP 3333.
 *
 * Each is a function, so that its work is done only on demand. Each is present only if the sink supports it.
 *
 * Each function is assigned to a constant first. V8 allocates a function that is the right side of an assignment to a
 * property in the old generation: it and all that it refers to stay in memory until a full collection (Node 20 to 26).
 */
import type { ConnectionDirectives, ResponseSink } from '../port.ts';
import type { Environ, FinishedCallback, HandedOver, HeaderList } from '../wsgi.ts';
import { handOver } from './hand-over.ts';
import { takeExtraHeaders } from './response-headers.ts';
import type { ResponseWriter } from './response-writer.ts';

/** The keys that every sink with all members but `handOver` supports, in their order. */
export const EXTENSION_KEYS = [
  'gateway.on_finished',
  'gateway.signal',
  'gateway.informational',
  'gateway.early_hints',
  'gateway.send_trailers',
  'gateway.connection',
] as const;

/** The run of an application, as the extension keys use it. */
export interface ExtensionHooks {
  onFinished(callback: FinishedCallback): void;
  signal(): AbortSignal;
}

/** Adds the extension keys that the sink supports to an environ. */
export function addExtensions(
  environ: Environ,
  sink: ResponseSink,
  writer: ResponseWriter,
  hooks: ExtensionHooks,
): void {
  const onFinished = (callback: FinishedCallback): void => {
    if (typeof callback !== 'function') throw new TypeError('Callback must be a function');
    hooks.onFinished(callback);
  };
  environ['gateway.on_finished'] = onFinished;
  const signal = (): AbortSignal => hooks.signal();
  environ['gateway.signal'] = signal;
  if (sink.informational !== undefined) {
    const informational = (statusCode: number, headers: Readonly<HeaderList>): void =>
      sendInterim(statusCode, headers, { sink, writer });
    environ['gateway.informational'] = informational;
    const earlyHints = (headers: Readonly<HeaderList>): void => sendInterim(103, headers, { sink, writer });
    environ['gateway.early_hints'] = earlyHints;
  }
  if (sink.trailers !== undefined) {
    const sendTrailers = (headers: Readonly<HeaderList>): void => {
      const checked = takeExtraHeaders(headers);
      if (writer.response.state !== 'ended') sink.trailers?.(checked);
    };
    environ['gateway.send_trailers'] = sendTrailers;
  }
  if (sink.handOver !== undefined) {
    const upgrade = (): HandedOver => handOver(sink, writer);
    environ['gateway.upgrade'] = upgrade;
  }
  if (sink.direct !== undefined) {
    const connection = (directives: ConnectionDirectives): void => {
      const { response } = writer;
      if (directives.computeLength !== undefined) writer.computesLength = directives.computeLength;
      if (directives.interim !== undefined) response.mayBeInterim = directives.interim;
      if (response.state !== 'ended') sink.direct?.(directives);
    };
    environ['gateway.connection'] = connection;
  }
}

function sendInterim(
  statusCode: number,
  headers: Readonly<HeaderList>,
  { sink, writer }: { readonly sink: ResponseSink; readonly writer: ResponseWriter },
): void {
  // 101 switches the protocol and is no interim response (RFC 9110 §15.2.2).
  if (!Number.isInteger(statusCode) || statusCode < 100 || statusCode > 199 || statusCode === 101) {
    throw new RangeError(`Interim status must be from 100 to 199 and not 101, not ${statusCode}`);
  }
  const checked = takeExtraHeaders(headers);
  const { state } = writer.response;
  if ((state === 'idle' || state === 'started') && writer.gone === undefined) {
    sink.informational?.(statusCode, checked);
  }
}
