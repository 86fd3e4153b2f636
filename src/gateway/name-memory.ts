/**
 * Facts about field names, and the values that fields had last, remembered from one message to the next.
 *
 * Programs and clients use few names again and again, so that their facts are worked out once. Clients and programs also
 * choose the names, so the number and the length of those that are remembered are bounded.
 *
 * Rule: a string that is kept is copied first. V8 lets a slice refer to the string that it was cut from, and a joined
 * string to its parts: a kept header value would keep alive the megabytes that it was cut from.
 */
import { isToken } from './headers.ts';
import { decodeLatin1, encodeLatin1 } from './platform.ts';

const MAX_NAMES = 1024;
/** Characters. */
const MAX_NAME_LENGTH = 64;

/** V8 copies a slice that is shorter than this. */
const SHORTEST_SLICE = 13;

/** A value that has changed this often does not repeat, such as an ETag or a cookie: copying it again is wasted. */
const MAX_CHANGES = 16;

/** Characters. Content-Security-Policy is the longest value that is common. */
const MAX_VALUE_LENGTH = 1024;

/** Facts by field name, for a bounded number of names. */
export class NameMemory<Facts> {
  readonly #facts = new Map<string, Facts>();
  readonly #learn: (name: string) => Facts;

  /** @param learn Works out the facts about a name */
  constructor(learn: (name: string) => Facts) {
    this.#learn = learn;
  }

  /**
   * Gives the facts about a name.
   *
   * They are remembered if the name is a token of at most 64 characters and fewer than 1024 names are known.
   */
  get(name: string): Facts {
    return this.#facts.get(name) ?? this.#add(name);
  }

  #add(name: string): Facts {
    const isKept = this.#facts.size < MAX_NAMES && name.length <= MAX_NAME_LENGTH && isToken(name);
    if (!isKept) return this.#learn(name);
    const own = ownCopy(name);
    const facts = this.#learn(own);
    this.#facts.set(own, facts);
    return facts;
  }
}

/** The value that a field had last, while it does not change too often. */
export class LastValue {
  #value = '';
  #changes = 0;

  /** The value that is remembered; empty at first. */
  get value(): string {
    return this.#value;
  }

  /**
   * Remembers another value.
   *
   * @param value A native string
   * @returns true if it is remembered
   */
  change(value: string): boolean {
    if (this.#changes >= MAX_CHANGES || value.length > MAX_VALUE_LENGTH) return false;
    this.#changes += 1;
    this.#value = ownCopy(value);
    return true;
  }
}

/**
 * Copies a string that is about to be kept, so that it refers to no other string.
 *
 * @param text A native string
 */
export function ownCopy(text: string): string {
  return text.length < SHORTEST_SLICE ? text : decodeLatin1(encodeLatin1(text));
}
