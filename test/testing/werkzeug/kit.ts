/** Applications and questions that the cases of Werkzeug share. */
import { requestUri } from '../../../src/index.ts';
import type { Client } from '../../../src/testing/index.ts';
import type { ApplicationFunction, Environ, HeaderList } from '../../../src/wsgi.ts';

export const TEXT: HeaderList = [['Content-Type', 'text/plain']];

/** Answers with the text that a function makes of the request. */
export const telling =
  (tell: (environ: Environ) => unknown, ...fields: HeaderList): ApplicationFunction =>
  async (environ, startResponse) => {
    const text = String(await tell(environ));
    startResponse('200 OK', [...TEXT, ...fields]);
    return [Buffer.from(text)];
  };

/** Redirects the paths that it lists, and tells the URL of the others. */
export const redirecting =
  (redirects: Readonly<Record<string, string>>, status = '302 Found'): ApplicationFunction =>
  (environ, startResponse) => {
    const location = redirects[environ.PATH_INFO];
    startResponse(
      location === undefined ? '200 OK' : status,
      location === undefined ? TEXT : [...TEXT, ['Location', location]],
    );
    return [Buffer.from(location === undefined ? requestUri(environ) : '')];
  };

export const textOf = async (client: Client, path?: string) => (await client.get(path)).text();
