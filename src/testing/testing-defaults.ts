/** Completes an environ, like `setup_testing_defaults` of wsgiref.util. */
import { Input } from '../gateway/input.ts';
import { guessScheme } from '../gateway/uri.ts';
import type { Environ, ErrorStream } from '../wsgi.ts';

/**
 * Adds the missing keys to an environ, in place.
 *
 * @param environ Any part of an environ
 * @returns the same environ, complete
 * @example
 * const environ = setupTestingDefaults({ PATH_INFO: '/books', HTTPS: 'on' });
 * environ['wsgi.url_scheme']; // 'https'
 */
export function setupTestingDefaults(environ: Partial<Environ>): Environ {
  setDefault(environ, 'SERVER_NAME', '127.0.0.1');
  setDefault(environ, 'SERVER_PROTOCOL', 'HTTP/1.0');
  setDefault(environ, 'HTTP_HOST', environ.SERVER_NAME);
  setDefault(environ, 'REQUEST_METHOD', 'GET');
  // If one of them is set, the other defaults to empty.
  if (environ.SCRIPT_NAME === undefined && environ.PATH_INFO === undefined) environ.PATH_INFO = '/';
  setDefault(environ, 'SCRIPT_NAME', '');
  setDefault(environ, 'PATH_INFO', '');
  setDefault(environ, 'QUERY_STRING', '');
  setDefault(environ, 'wsgi.version', [1, 0]);
  setDefault(environ, 'wsgi.run_once', false);
  setDefault(environ, 'wsgi.multithread', false);
  setDefault(environ, 'wsgi.multiprocess', false);
  setDefault(environ, 'wsgi.input', new Input());
  setDefault(environ, 'wsgi.errors', new MemoryErrors());
  setDefault(environ, 'wsgi.url_scheme', guessScheme(environ));
  setDefault(environ, 'SERVER_PORT', environ['wsgi.url_scheme'] === 'https' ? '443' : '80');
  // Every key that the type demands is there now.
  return environ as Environ;
}

/** `wsgi.errors` in memory, for tests that check its text. */
export class MemoryErrors implements ErrorStream {
  /** Everything that was written so far. */
  text = '';

  write(text: string): void {
    this.text += text;
  }

  writelines(lines: Iterable<string>): void {
    for (const line of lines) this.write(line);
  }

  flush(): void {}
}

function setDefault(environ: Partial<Environ>, key: string, value: unknown): void {
  if (!(key in environ)) environ[key] = value;
}
