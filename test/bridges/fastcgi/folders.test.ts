import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fromFastCgi } from '../../../bridges/fastcgi/index.ts';
import type { StartResponse } from '../../../src/index.ts';
import { buildEnviron } from '../../../src/testing/index.ts';

it.each(['a.test', '1.2.3.999', 'a%20b', 'a.test:99999', ''])(
  'redirects to a folder, whatever the Host: %s',
  async (host) => {
    const root = mkdtempSync(join(tmpdir(), 'gatebridge-fastcgi-'));
    mkdirSync(join(root, 'a b'));
    writeFileSync(join(root, 'a b/index.php'), '');
    const application = fromFastCgi({ path: join(root, 'no.sock'), root });
    const environ = buildEnviron('/a%20b?c=d%20e');
    const started: unknown[] = [];
    const start: StartResponse = (status, headers) => {
      started.push(status, headers);
      return async () => {};
    };
    await application({ ...environ, HTTP_HOST: `${host}`, SCRIPT_NAME: '//blog' }, start);
    rmSync(root, { recursive: true });
    expect(started).toEqual(['301 Moved Permanently', [['Location', '/blog/a%20b/?c=d%20e']]]);
  },
);
