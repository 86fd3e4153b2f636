/** Names each request, so that its lines in all logs can be found. */
import { toApplication } from '../gateway/application.ts';
import { fieldRules } from '../gateway/field-rules.ts';
import { type OptionsOf, settingsOf } from '../gateway/option-table.ts';
import type { Environ } from '../wsgi.ts';
import { changeHead } from './change-head.ts';
import { checkLayerOptions } from './layer-options.ts';
import type { Middleware } from './middleware.ts';

/** The options of `requestId`. */
export const REQUEST_ID_OPTIONS = {
  /** The field of the request and of the response. */
  header: { type: 'field name', default: 'X-Request-Id' },
  /** Keep the id that the client sends, if it has 1 to 128 letters, digits and `-._~+/=:@`. Only behind a proxy that sets or checks it. */
  trust: { type: 'boolean', default: false },
  /** Makes an id of the environ. Without it: a random UUID. */
  generate: { type: 'function' },
} as const;

/** Options of {@link requestId}. */
export interface RequestIdOptions extends OptionsOf<typeof REQUEST_ID_OPTIONS> {
  readonly generate?: ((environ: Environ) => string) | undefined;
}

/** Characters that are harmless in logs, URLs and headers. */
const ID = /^[A-Za-z0-9\-._~+/=:@]{1,128}$/;

/**
 * Gives each request an id: in `environ['gateway.request_id']`, in the field of the request, where wrapped programs look, and in
 * the response.
 *
 * @param options The field, and where the id comes from
 * @throws TypeError if an option is wrong. A request fails if `generate` gives no id
 * @example
 * const site = requestId({ trust: true })(application);
 */
export function requestId(options: RequestIdOptions = {}): Middleware {
  checkLayerOptions(options, REQUEST_ID_OPTIONS, { likely: 'header' });
  const { header, trust } = settingsOf(REQUEST_ID_OPTIONS, options);
  const { key } = fieldRules.get(header);
  const generate = options.generate ?? (() => crypto.randomUUID());
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      const given = environ[key];
      const isKept = trust && typeof given === 'string' && ID.test(given);
      const id = isKept ? given : generate(environ);
      if (typeof id !== 'string' || !ID.test(id)) throw new TypeError(`Request id must match ${ID}`);
      const start = changeHead(startResponse, ({ headers }) => headers.set(header, id));
      const identified: Environ = { ...environ, 'gateway.request_id': id };
      identified[key] = id;
      return inner(identified, start);
    };
  };
}
