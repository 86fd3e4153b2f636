/**
 * A `Response` that is its arguments until somebody asks for more, for programs that answer with a text.
 *
 * The constructor of the runtime's `Response` makes a stream and copies the content. This one keeps status, fields and
 * content, and `fromFetch` sends them as they are. Its `body`, and whatever reads it, makes the real response first.
 *
 * Rule: what the real constructor refuses, or converts in its own way, is given to it at once.
 */
import { encodeUtf8 } from '../../src/gateway/index.ts';
import type { HeaderList } from '../../src/index.ts';
import { readFields } from './response-fields.ts';
import { standInFor } from './stand-in.ts';

/** The runtime's class, whatever takes its global name later. */
export const RealResponse: typeof Response = globalThis.Response;

type Content = ConstructorParameters<typeof Response>[0];
type Init = ConstructorParameters<typeof Response>[1];

/** The parts of a response whose content nobody has asked for. */
export interface ResponseParts {
  readonly status: number;
  readonly fields: Iterable<readonly [name: string, value: string]>;
  readonly octets: Uint8Array | undefined;
}

/** Gives the parts of a light response; undefined if it is none, or a real one has been made of it. */
export function partsOf(response: object): ResponseParts | undefined {
  return readParts(response);
}

let readParts: typeof partsOf;

class Light {
  /** Undefined if the real response was made at once. */
  #status: number | undefined;
  #fields: HeaderList = NO_FIELDS;
  #content: string | Uint8Array | null = null;
  /** The headers that somebody has asked for. They count from then on. */
  #headers: Headers | undefined;
  #real: Response | undefined;

  static {
    readParts = (response) => {
      if (!(#real in response) || response.#status === undefined || response.#real !== undefined)
        return undefined;
      const content = response.#content;
      const octets = typeof content === 'string' ? encodeUtf8(content) : (content ?? undefined);
      return { status: response.#status, fields: response.#headers ?? response.#fields, octets };
    };
  }

  static json(data: unknown, init?: Init): Response {
    const text: string | undefined = JSON.stringify(data);
    // The real one knows what to refuse, and what to merge.
    if (text === undefined || init?.headers !== undefined) return RealResponse.json(data, init);
    return new LightResponse(text, { ...init, headers: JSON_TYPE });
  }

  constructor(content: Content = null, init?: Init) {
    const status = init?.status ?? 200;
    const isUsual =
      (content === null || typeof content === 'string' || content instanceof Uint8Array) &&
      isUsualStatus(status, content !== null) &&
      (init?.statusText ?? '') === '';
    const fields = isUsual ? readFields(init?.headers ?? undefined, typeof content === 'string') : undefined;
    if (!isUsual || fields === undefined) {
      this.#real = new RealResponse(content, init);
      return;
    }
    this.#status = status;
    this.#fields = fields;
    // The caller may change its octets later.
    this.#content = content === null || typeof content === 'string' ? content : new Uint8Array(content);
  }

  get status(): number {
    return this.#status ?? this.real.status;
  }

  get ok(): boolean {
    const { status } = this;
    return status >= 200 && status <= 299;
  }

  get statusText(): string {
    return this.#status === undefined ? this.real.statusText : '';
  }

  get headers(): Headers {
    // Fields are pairs as the constructor takes them.
    this.#headers ??= this.#real?.headers ?? new Headers(this.#fields as [string, string][]);
    return this.#headers;
  }

  get bodyUsed(): boolean {
    return this.#real?.bodyUsed ?? false;
  }

  clone(): Response {
    const { status, statusText, headers } = this;
    return new RealResponse(this.real.clone().body, { status, statusText, headers });
  }

  /** The response as an object of the runtime. */
  get real(): Response {
    this.#real ??= new RealResponse(this.#content, { status: this.status, headers: this.headers });
    return this.#real;
  }
}

const NO_FIELDS: HeaderList = [];
const JSON_TYPE = { 'content-type': 'application/json' };

/** Statuses whose responses have no content (Fetch §2.2.3). */
const NULL_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);

function isUsualStatus(status: number, hasContent: boolean): boolean {
  return Number.isInteger(status) && status >= 200 && status <= 599 && !(hasContent && NULL_BODY.has(status));
}

standInFor(Light.prototype, RealResponse.prototype, (self) => self.real);
// Its static methods, also those of later runtimes.
Object.setPrototypeOf(Light, RealResponse);
Object.defineProperty(Light, Symbol.hasInstance, { value: hasInstance });

/** In the place of the runtime's class it has the instances of that. A class that extends it has its own. */
function hasInstance(this: unknown, value: unknown): boolean {
  if (this === Light) return value instanceof RealResponse;
  return Function.prototype[Symbol.hasInstance].call(this, value);
}

/**
 * A `Response` that costs little for programs that answer with a text, octets or nothing.
 *
 * A handler may construct it, and so does each that constructs the global `Response` once this takes its place:
 * `globalThis.Response = LightResponse`. Content that is a stream, and what reads or clones a response, makes a real one.
 *
 * @example
 * globalThis.Response = LightResponse;
 * const app = new Hono().get('/', (context) => context.text('Hello'));
 * serve(fromFetch(app));
 */
// It has all members of the runtime's class, by its own or by standInFor.
export const LightResponse: typeof Response = Light as unknown as typeof Response;
