/**
 * The channels of `node:diagnostics_channel` on which the requests of every host are published; published-sink.ts does it.
 *
 * Rule: without subscribers a request costs a look at each channel, and nothing is allocated.
 */
import type { Environ, HeaderList } from '../wsgi.ts';
import { type DiagnosticsChannel, openChannel } from './platform.ts';

/** The message of `gatebridge.request.start`: the application is about to be called, within the stores of the channel. */
export interface RequestStartMessage {
  /** The same object in all messages of a request. It is the application's, which may change it. */
  readonly environ: Environ;
}

/** The message of `gatebridge.request.head`: the host has taken the head of the response. */
export interface RequestHeadMessage extends RequestStartMessage {
  readonly status: string;
  readonly statusCode: number;
  /** The application's own, without fields that the host adds. */
  readonly headers: HeaderList;
  /** Milliseconds since the start. */
  readonly duration: number;
}

/** The message of `gatebridge.request.error`: the application has failed, or its client has left. */
export interface RequestErrorMessage extends RequestStartMessage {
  /** The thrown value. If the client has left, an error with which `isDisconnection` agrees. */
  readonly error: unknown;
  /** Milliseconds since the start. */
  readonly duration: number;
}

/** The message of `gatebridge.request.finish`: the response is over. It comes once for each start. */
export interface RequestFinishMessage extends RequestStartMessage {
  /** Undefined if no head was sent, or a framework answers what the application has thrown. */
  readonly status: string | undefined;
  readonly statusCode: number | undefined;
  readonly headers: HeaderList | undefined;
  /** The thrown value; undefined if all went well. */
  readonly error: unknown;
  /** Octets of content that the host has taken, without any framing. */
  readonly octets: number;
  /** Milliseconds since the start. */
  readonly duration: number;
}

/** The channel of {@link RequestStartMessage}. */
export const START: DiagnosticsChannel = openChannel('gatebridge.request.start');
/** The channel of {@link RequestHeadMessage}. */
export const HEAD: DiagnosticsChannel = openChannel('gatebridge.request.head');
/** The channel of {@link RequestErrorMessage}. */
export const ERROR: DiagnosticsChannel = openChannel('gatebridge.request.error');
/** The channel of {@link RequestFinishMessage}. */
export const FINISH: DiagnosticsChannel = openChannel('gatebridge.request.finish');

/** Tells if anybody subscribes to requests. */
export function areRequestsHeard(): boolean {
  return START.hasSubscribers || HEAD.hasSubscribers || ERROR.hasSubscribers || FINISH.hasSubscribers;
}
