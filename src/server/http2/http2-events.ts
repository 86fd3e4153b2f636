/** The events of node:http2's servers, and the options of a server that its sessions obey. */
import type { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { settingsOf } from '../../gateway/option-table.ts';
import { throwUncaught } from '../node-surface/uncaught.ts';
import type { ServerOptions } from '../options.ts';
import { HTTP2_OPTIONS } from './options.ts';

/** The arguments of listeners of `stream`. The last is a flat list of the fields. */
export type StreamEvent = [
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders: string[],
];

/** The events of one server. */
export class Http2Events {
  readonly maxConcurrentStreams: number;
  /** How many streams may be reset. */
  readonly resetLimits: { readonly burst: number; readonly rate: number };
  readonly #emitter: EventEmitter;

  constructor(emitter: EventEmitter, options: ServerOptions) {
    const { maxConcurrentStreams, streamResetBurst, streamResetRate } = settingsOf(HTTP2_OPTIONS, options);
    this.#emitter = emitter;
    this.maxConcurrentStreams = maxConcurrentStreams;
    this.resetLimits = { burst: streamResetBurst, rate: streamResetRate };
  }

  /** Emits an event. What a listener throws is uncaught, as on node. @returns true if somebody listens */
  emit(event: 'session' | 'timeout', session: ServerHttp2Session): boolean;
  emit(event: 'sessionError', error: Error, session: ServerHttp2Session): boolean;
  emit(event: 'stream', ...values: StreamEvent): boolean;
  emit(event: string, ...values: unknown[]): boolean {
    if (this.#emitter.listenerCount(event) === 0) return false;
    try {
      this.#emitter.emit(event, ...values);
    } catch (error) {
      throwUncaught(error);
    }
    return true;
  }

  /** Passes a stream to listeners of `stream`. @returns true if one of them has answered or closed it */
  passes(event: StreamEvent): boolean {
    const [stream] = event;
    return this.emit('stream', ...event) && (stream.headersSent || stream.closed || stream.destroyed);
  }
}
