/**
 * The extension keys that runApplication adds to an environ: what PEP 3333 lacks and a sink can honour.
 *
 * Each is a function, so that what costs something is made only when it is asked for, and each is present only
 * where it works: a key that is there keeps its promise.
 *
 * Each has a name before it becomes a property. V8 puts a function that is written as the right side of an assignment
 * to a property into the old generation, where it outlives its request with all that it refers to until everything is
 * collected (seen on Node 20 to 26; on 26 Express through the gateway cost 17 µs a request, and costs 11).
 */
import type { ConnectionDirectives, ResponseSink } from '../port.ts';
import type { Environ, FinishedCallback, HeaderList } from '../wsgi.ts';
import { takeExtraHeaders } from './response-headers.ts';
import type { ResponseWriter } from './response-writer.ts';

/** What the extension keys do to a run. */
export interface ExtensionHooks {
  onFinished(callback: FinishedCallback): void;
  signal(): AbortSignal;
}

/** Adds the extension keys that the sink can honour to an environ. */
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
    const informational = (statusCode: number, headers: HeaderList): void =>
      sendInterim(statusCode, headers, { sink, writer });
    environ['gateway.informational'] = informational;
    const earlyHints = (headers: HeaderList): void => sendInterim(103, headers, { sink, writer });
    environ['gateway.early_hints'] = earlyHints;
  }
  if (sink.trailers !== undefined) {
    const sendTrailers = (headers: HeaderList): void => {
      const checked = takeExtraHeaders(headers);
      if (writer.response.state !== 'ended') sink.trailers?.(checked);
    };
    environ['gateway.send_trailers'] = sendTrailers;
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
  headers: HeaderList,
  { sink, writer }: { readonly sink: ResponseSink; readonly writer: ResponseWriter },
): void {
  // 101 changes the protocol and is no interim response of this one (RFC 9110 §15.2.2).
  if (!Number.isInteger(statusCode) || statusCode < 100 || statusCode > 199 || statusCode === 101) {
    throw new RangeError(`Interim status must be from 100 to 199 and not 101, not ${statusCode}`);
  }
  const checked = takeExtraHeaders(headers);
  const { state } = writer.response;
  if ((state === 'idle' || state === 'started') && writer.gone === undefined) {
    sink.informational?.(statusCode, checked);
  }
}
