/**
 * The connection below the gateway, as far as a host shows it: the extension key `gateway.socket`.
 *
 * It gives addresses and tells of its end. Only a program writes to it or cuts it, through its stand-in.
 */

/** The members used of a host's socket. Structural: it may be net's, tls's, http2's or another stand-in. */
export interface HostSocket {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly remoteFamily?: string | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly localFamily?: string | undefined;
  readonly bytesRead?: number | undefined;
  readonly bytesWritten?: number | undefined;
  readonly server?: { emit?(event: 'clientError' | 'timeout', ...values: unknown[]): boolean } | undefined;
  readonly writableLength?: number | undefined;
  readonly writableHighWaterMark?: number | undefined;
  readonly readableHighWaterMark?: number | undefined;
  on?(event: 'close' | 'end' | 'error' | 'timeout', listener: (error: Error) => void): unknown;
  write?(data: unknown, encoding?: unknown, callback?: unknown): unknown;
  end?(data?: unknown, encoding?: unknown, callback?: unknown): unknown;
  destroy?(error?: Error): unknown;
  setNoDelay?(isOn?: boolean): unknown;
  setKeepAlive?(isOn?: boolean, initialDelay?: number): unknown;
  ref?(): unknown;
  unref?(): unknown;
  resetAndDestroy?(): unknown;
  destroySoon?(): unknown;
}

/** Gives the connection below, if the host shows one. */
export function hostSocketOf(candidate: unknown): HostSocket | undefined {
  // Any object fits: all members are optional.
  return typeof candidate === 'object' && candidate !== null ? candidate : undefined;
}
