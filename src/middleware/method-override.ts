/** Lets clients that can only send POST use other methods. */
import { toApplication } from '../gateway/application.ts';
import { fieldRules } from '../gateway/field-rules.ts';
import { type OptionsOf, settingsOf } from '../gateway/option-table.ts';
import type { Environ } from '../wsgi.ts';
import { answerText } from './answer.ts';
import { checkLayerOptions } from './layer-options.ts';
import type { Middleware } from './middleware.ts';

/** The options of `methodOverride`. */
export const METHOD_OVERRIDE_OPTIONS = {
  /** The field that names the method. */
  header: { type: 'field name', default: 'X-HTTP-Method-Override' },
  /**
   * The parameter of the query that names the method, such as `_method`. An HTML form can set it, also one of another site: check
   * such requests as you check a POST.
   */
  query: { type: 'text' },
  /** The methods that a POST may become. */
  methods: { type: 'names', default: ['PUT', 'PATCH', 'DELETE'] },
} as const;

/** Options of {@link methodOverride}. */
export interface MethodOverrideOptions extends OptionsOf<typeof METHOD_OVERRIDE_OPTIONS> {}

/**
 * Turns a POST into the method that a field, or a parameter of the query, names. Other requests stay as they are. The original
 * method is in `environ['gateway.original_method']`. A method that is not allowed gets a 400.
 *
 * @param options Where the method stands, and which are allowed
 * @throws TypeError if an option is wrong
 * @example
 * const site = methodOverride({ query: '_method' })(application); // <form method="post" action="/books/1?_method=DELETE">
 */
export function methodOverride(options: MethodOverrideOptions = {}): Middleware {
  checkLayerOptions(options, METHOD_OVERRIDE_OPTIONS, { likely: 'query' });
  const { header, query, methods } = settingsOf(METHOD_OVERRIDE_OPTIONS, options);
  const allowed = new Set<string>(methods.map((method: string) => method.toUpperCase()));
  const { key } = fieldRules.get(header);
  const methodOf = (environ: Environ): string | undefined => {
    const value = environ[key];
    if (typeof value === 'string' && value !== '') return value;
    return query === undefined
      ? undefined
      : (new URLSearchParams(environ.QUERY_STRING).get(query) ?? undefined);
  };
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      const method = environ.REQUEST_METHOD === 'POST' ? methodOf(environ)?.trim().toUpperCase() : undefined;
      if (method === undefined || method === 'POST') return inner(environ, startResponse);
      if (!allowed.has(method))
        return answerText(environ, startResponse, {
          statusCode: 400,
          text: 'Method override is not allowed',
        });
      return inner({ ...environ, REQUEST_METHOD: method, 'gateway.original_method': 'POST' }, startResponse);
    };
  };
}
