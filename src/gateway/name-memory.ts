/**
 * Caches facts about field names, and the latest values of fields, from one message to the next.
 *
 * Clients and programs repeat few names, so facts are computed once for each name. They also choose the names, so the
 * number and the length of cached names are limited.
 *
 * Rule: copy a string before caching it. In V8 a slice refers to the whole string, and a joined string to its parts,
 * so that a cached header value could keep megabytes in memory.
 */
import { isToken } from './headers.ts';
import { decodeLatin1, encodeLatin1 } from './platform.ts';

const MAX_NAMES = 1024;
/** Characters. */
const MAX_NAME_LENGTH = 64;

/** Characters. V8 copies a slice that is shorter than this. */
const SHORTEST_SLICE = 13;

/** Changes of a value before it is no longer cached: it will not repeat, such as an ETag or a cookie. */
const MAX_CHANGES = 16;

/** Characters. The longest common value is Content-Security-Policy. */
const MAX_VALUE_LENGTH = 1024;

/** Cached facts by field name, for a limited number of names. */
export class NameMemory<Facts> {
  readonly #facts = new Map<string, Facts>();
  readonly #learn: (name: string) => Facts;

  /** @param learn Computes the facts about a name */
  constructor(learn: (name: string) => Facts) {
    this.#learn = learn;
  }

  /**
   * Gives the facts about a name.
   *
   * They are cached if the name is a token of at most 64 characters and fewer than 1024 names are cached.
   */
  get(name: string): Facts {
    return this.#facts.get(name) ?? this.#add(name);
  }

  #add(name: string): Facts {
    // Programs in JavaScript pass anything as a name; the facts of that are an error of the caller.
    const mayKeep = typeof name === 'string' && name.length <= MAX_NAME_LENGTH && isToken(name);
    if (!mayKeep || this.#facts.size >= MAX_NAMES) return this.#learn(name);
    const own = ownCopy(name);
    const facts = this.#learn(own);
    this.#facts.set(own, facts);
    return facts;
  }
}

/** The cached latest value of a field, unless it changes too often. */
export class LastValue {
  #value = '';
  #changes = 0;

  /** The cached value; empty at first. */
  get value(): string {
    return this.#value;
  }

  /**
   * Caches another value.
   *
   * @param value A native string
   * @returns true if it was cached
   */
  change(value: string): boolean {
    if (this.#changes >= MAX_CHANGES || value.length > MAX_VALUE_LENGTH) return false;
    this.#changes += 1;
    this.#value = ownCopy(value);
    return true;
  }
}

/**
 * Copies a string, so that the copy refers to no other string in memory.
 *
 * @param text A native string
 */
export function ownCopy(text: string): string {
  return text.length < SHORTEST_SLICE ? text : decodeLatin1(encodeLatin1(text));
}
