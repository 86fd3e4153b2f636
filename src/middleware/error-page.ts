/**
 * Shows errors to the developer in the browser. Everywhere else it does nothing: the gateway logs and answers as always, and a client
 * sees no more than a reason phrase.
 */
import { isDisconnection, isError, isProtocolError, isUpstreamError } from '../errors.ts';
import { toApplication } from '../gateway/application.ts';
import { logError, logOf } from '../gateway/failure-log.ts';
import { type OptionsOf, type SettingsOf, settingsOf } from '../gateway/option-table.ts';
import { encodeUtf8 } from '../gateway/platform.ts';
import { isPromise, toPromise } from '../gateway/promise.ts';
import type { ApplicationFunction, Body, Environ, HeaderList, StartResponse } from '../wsgi.ts';
import { contentFor, lengthOf } from './answer.ts';
import { builtin } from './builtin.ts';
import { type ErrorReport, type Frame, type ReadFile, reportEnviron, reportError } from './error-report.ts';
import { checkLayerOptions } from './layer-options.ts';
import type { Middleware } from './middleware.ts';
import { wrapWith } from './wrapped-body.ts';

/** The options of `errorPage`. */
export const ERROR_PAGE_OPTIONS = {
  /** Show errors. By default only if the environment variable NODE_ENV is `development`. */
  show: { type: 'boolean' },
  /** Show them to clients on other machines too. A proxy on this machine makes all clients look local. */
  remote: { type: 'boolean', default: false },
  /** Lines of source before and after the line of a frame. */
  context: { type: 'count', default: 5 },
} as const;

/** Options of {@link errorPage}. */
export interface ErrorPageOptions extends OptionsOf<typeof ERROR_PAGE_OPTIONS> {}

/**
 * Answers an error that the application throws before its head has gone with a page for the developer: causes, frames with their
 * source, the environ without what looks like a secret. A client that does not accept HTML gets the stack as text. The error is
 * logged as always. Errors after the head, faults of the client or of a wrapped program, and clients that left pass through.
 *
 * Where errors are not to be shown, the application is given back as it is.
 *
 * @param options If, and to whom
 * @throws TypeError if an option is wrong, Error if errors are to be shown where there is no `node:fs`
 * @example
 * const site = errorPage()(application); // NODE_ENV=development node site.ts
 */
export function errorPage(options: ErrorPageOptions = {}): Middleware {
  checkLayerOptions(options, ERROR_PAGE_OPTIONS);
  const settings = settingsOf(ERROR_PAGE_OPTIONS, options);
  const isShown = settings.show ?? isDevelopment();
  if (!isShown) return toApplication;
  const { readFileSync } = builtin('node:fs', 'errorPage()');
  const readFile: ReadFile = (path) => readFileSync(path.startsWith('file:') ? new URL(path) : path, 'utf8');
  return (application) => wrap(toApplication(application), settings, readFile);
}

function isDevelopment(): boolean {
  // There is no `process` elsewhere than on node.
  const { process: host } = globalThis as Partial<typeof globalThis>;
  return host?.env?.NODE_ENV === 'development';
}

type Settings = SettingsOf<typeof ERROR_PAGE_OPTIONS>;

function wrap(inner: ApplicationFunction, settings: Settings, readFile: ReadFile): ApplicationFunction {
  return (environ, startResponse) => {
    if (!(settings.remote || isLocal(environ.REMOTE_ADDR))) return inner(environ, startResponse);
    // As the gateway made it: the application may change its own.
    const received = { ...environ };
    const answer = (error: unknown): Uint8Array[] => {
      if (isDisconnection(error) || isProtocolError(error) || isUpstreamError(error)) throw error;
      const { type, text } = makePage(received, reportError(error, settings.context, readFile));
      const content = encodeUtf8(text);
      begin(startResponse, [['Content-Type', `${type}; charset=utf-8`], lengthOf(content)], error);
      logError(logOf(received), error);
      return contentFor(received, content);
    };
    const take = (body: Body): Body => wrapWith(body, { onFailure: answer });
    try {
      const body = inner(environ, startResponse);
      return isPromise(body) ? toPromise(body).then(take).catch(answer) : take(body);
    } catch (error) {
      return answer(error);
    }
  };
}

/** Begins the response, or throws the error if a head has gone. */
function begin(startResponse: StartResponse, described: HeaderList, error: unknown): void {
  const headers: HeaderList = [
    ...described,
    ['Cache-Control', 'no-store'],
    ['Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'"],
    ['X-Content-Type-Options', 'nosniff'],
  ];
  const excInfo = isError(error) ? error : new Error('Thrown value is not an Error', { cause: error });
  try {
    startResponse('500 Internal Server Error', headers, excInfo);
  } catch (thrown) {
    throw thrown === excInfo ? error : thrown;
  }
}

function isLocal(address: string | undefined): boolean {
  return address !== undefined && /^(?:127(?:\.[0-9]{1,3}){3}|::1)$/.test(address);
}

interface Page {
  readonly type: 'text/html' | 'text/plain';
  readonly text: string;
}

function makePage(environ: Environ, reports: readonly ErrorReport[]): Page {
  return /\btext\/html\b/i.test(`${environ.HTTP_ACCEPT ?? ''}`)
    ? { type: 'text/html', text: formatHtml(environ, reports) }
    : { type: 'text/plain', text: formatText(reports) };
}

function formatText(reports: readonly ErrorReport[]): string {
  const parts = reports.map(({ title, frames }) =>
    [title, ...frames.map(({ text }) => `    at ${text}`)].join('\n'),
  );
  return `${parts.join('\nCaused by: ')}\n`;
}

const STYLE =
  'body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#222}h1{font-size:1.4em}' +
  'h1,h2{overflow-wrap:anywhere}code,pre,td{font:13px/1.5 ui-monospace,monospace}pre{background:#f5f5f5;overflow:auto;padding:.5em}' +
  'mark{background:#fd8;display:block}td{vertical-align:top;padding:0 1em 0 0;overflow-wrap:anywhere}';

function formatHtml(environ: Environ, reports: readonly ErrorReport[]): string {
  const title = escapeHtml(reports[0]?.title ?? 'Error');
  const request = escapeHtml(`${environ.REQUEST_METHOD} ${environ.SCRIPT_NAME}${environ.PATH_INFO}`);
  const errors = reports.map(({ title: cause, frames }, index) => {
    const heading = index === 0 ? '' : `<h2>Caused by: ${escapeHtml(cause)}</h2>`;
    return `${heading}<ol>${frames.map(formatFrame).join('')}</ol>`;
  });
  const rows = reportEnviron(environ).map(([key, value]) => {
    return `<tr><td>${escapeHtml(key)}</td><td>${escapeHtml(value)}</td></tr>`;
  });
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><style>${STYLE}</style>` +
    `<h1>${title}</h1><p><code>${request}</code></p>${errors.join('')}` +
    `<h2>Environ</h2><table>${rows.join('')}</table></html>\n`
  );
}

function formatFrame({ text, source }: Frame): string {
  const lines = source.map(({ number, text: line, isCurrent }) => {
    const shown = `${String(number).padStart(5)}  ${escapeHtml(line)}`;
    return isCurrent ? `<mark>${shown}</mark>` : `${shown}\n`;
  });
  const listing = lines.length === 0 ? '' : `<pre>${lines.join('')}</pre>`;
  return `<li><code>${escapeHtml(text)}</code>${listing}</li>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
