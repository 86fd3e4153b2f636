/**
 * The head that came last on a connection, for those who send the same one again: monitors, pollers, pipelines.
 *
 * The same octets make the same head under the same limits, so that they are compared and not read. A head of 40
 * octets takes 0.1 µs then instead of 0.3 µs, one of a browser 0.2 µs instead of 0.9 µs (Node 20).
 */
import type { OctetWindow } from './octet-window.ts';
import type { RequestHead } from './request-head.ts';

/** Octets that are remembered at most: they stay in memory while the connection idles. */
const MAX_REMEMBERED = 1024;

/** Remembers the last head of one connection. */
export class HeadMemory {
  #head: RequestHead | undefined;
  /** Its octets, once it has come twice. */
  #octets: Buffer | undefined;

  /** The head that came last; nothing if it was large. */
  get head(): RequestHead | undefined {
    return this.#head;
  }

  /** Takes a head that is the same as the last one; nothing if it is another one, or not whole. */
  recall(window: OctetWindow): RequestHead | undefined {
    if (this.#octets === undefined || !window.startsWith(this.#octets)) return undefined;
    window.skip(this.#octets.length);
    return this.#head;
  }

  /**
   * Remembers a head, if it is small.
   *
   * @param head What was read
   * @param window That begins with it
   * @param size Its octets
   */
  keep(head: RequestHead, window: OctetWindow, size: number): void {
    const last = this.#head;
    // To copy what is not going to be repeated costs as much as to read it.
    const isRepeated =
      last !== undefined &&
      head.target === last.target &&
      head.method === last.method &&
      head.rawHeaders === last.rawHeaders;
    const isSmall = size <= MAX_REMEMBERED;
    this.#head = isSmall ? head : undefined;
    this.#octets = isSmall && isRepeated ? window.copy(size) : undefined;
  }
}
