/**
 * Remembers the last head of a connection, for clients that send it again: monitors, pollers, pipelines.
 *
 * Under the same limits the same octets make the same head. Comparing them is cheaper than parsing them.
 */
import type { OctetWindow } from './octet-window.ts';
import type { RequestHead } from './request-head.ts';

/** Largest head, in octets, that is remembered: it stays in memory while the connection idles. */
const MAX_REMEMBERED = 1024;

/** Remembers the last head of one connection. */
export class HeadMemory {
  #head: RequestHead | undefined;
  /** Its octets, once it was repeated. */
  #octets: Buffer | undefined;

  /** The last head; undefined if it was large. */
  get head(): RequestHead | undefined {
    return this.#head;
  }

  /** Consumes a head that equals the last one; gives undefined if it differs or is incomplete. */
  recall(window: OctetWindow): RequestHead | undefined {
    if (this.#octets === undefined || !window.startsWith(this.#octets)) return undefined;
    window.skip(this.#octets.length);
    return this.#head;
  }

  /**
   * Remembers a head, if it is small.
   *
   * @param window Begins with its octets
   * @param size How many they are
   */
  keep(head: RequestHead, window: OctetWindow, size: number): void {
    const last = this.#head;
    // Copying octets that are not repeated costs as much as reading them.
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
