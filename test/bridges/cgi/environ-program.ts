/** A CGI program for the option `environ`: the first argument selects its form. */
import { runCgi } from '../../../bridges/cgi/index.ts';
import type { EnvironOption } from '../../../src/index.ts';

const FORMS: Readonly<Record<string, EnvironOption>> = {
  pairs: { REMOTE_USER: 'ada of /x' },
  function: (environ) => ({ REMOTE_USER: `ada of ${environ.PATH_INFO}` }),
  throws: () => {
    throw new Error('no user');
  },
};

const environ = FORMS[process.argv[2] ?? ''] ?? {};
await runCgi(
  (received, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    return [Buffer.from(`${received.REMOTE_USER}`)];
  },
  { environ },
);
