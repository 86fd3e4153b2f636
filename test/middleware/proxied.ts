/** Runs requests through `trustedProxy`, for its tests. */
import { requestUri } from '../../src/index.ts';
import { type TrustedProxyOptions, trustedProxy } from '../../src/middleware/index.ts';
import type { Application, Environ, HeaderList } from '../../src/wsgi.ts';
import { askInProcess } from './kit.ts';

/** Runs a request through, and gives the environ of the inner application, or the text of the refusal. */
export async function through(
  options: TrustedProxyOptions,
  headers: HeaderList,
  environ: Record<string, unknown> = {},
): Promise<Environ | string> {
  let seen: Environ | undefined;
  const application: Application = (given, startResponse) => {
    seen = given;
    startResponse('200 OK', []);
    return [];
  };
  const answer = await askInProcess(trustedProxy(options)(application), { headers, environ });
  return seen ?? `${answer.status}: ${answer.text.trim()}`;
}

/** Gives the facts that a proxy may change, or the text of the refusal. */
export async function seen(
  options: TrustedProxyOptions,
  headers: HeaderList,
  environ: Record<string, unknown> = {},
) {
  const given = await through(options, headers, environ);
  if (typeof given === 'string') return given;
  const { REMOTE_ADDR, REMOTE_PORT, HTTP_HOST, SERVER_NAME, SERVER_PORT, SCRIPT_NAME } = given;
  return {
    REMOTE_ADDR,
    REMOTE_PORT,
    HTTP_HOST,
    SERVER_NAME,
    SERVER_PORT,
    SCRIPT_NAME,
    uri: requestUri(given),
  };
}
