/** serveFastCgi, in a circle with fromFastCgi, and behind nginx. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromFastCgi, serveFastCgi } from '../../../bridges/fastcgi/index.ts';
import { createServer } from '../../../src/server/index.ts';
import { MemoryErrors } from '../../../src/testing/index.ts';
import { connectHttp1 } from '../clients.ts';
import type { Host } from '../matrix.ts';
import { listen, socketHost } from './socket-host.ts';

/** The standalone server asks serveFastCgi by fromFastCgi. */
export const fastCgiCircle: Host = socketHost({
  name: 'serveFastCgi',
  expression: 'serveFastCgi(app, { path })',
  reached: 'HTTP/1.1, by fromFastCgi on the standalone server',
  async listen(application, options) {
    const folder = mkdtempSync(join(tmpdir(), 'gatebridge-matrix-'));
    const path = join(folder, 'app.sock');
    const responder = await serveFastCgi(application, { path, closeDeadline: 0, ...options });
    const asked = fromFastCgi({ path });
    const { port, close } = await listen(createServer(asked, options));
    return {
      port,
      async close() {
        await close();
        await asked.close();
        await responder.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
});

/** nginx asks serveFastCgi. */
export const fastCgiBehindNginx: Host = {
  name: 'serveFastCgi, nginx',
  expression: 'serveFastCgi(app, { path })',
  reached: 'HTTP/1.1, by nginx',
  needs: 'nginx',
  async start({ application, peers: { nginx } }) {
    if (nginx === undefined) throw new TypeError('nginx must be running');
    const errors = new MemoryErrors();
    const environ = { 'wsgi.errors': errors };
    const { path } = nginx;
    const responder = await serveFastCgi(application, { path, mode: 0o777, closeDeadline: 0, environ });
    const client = connectHttp1(`http://127.0.0.1:${nginx.port}`);
    return {
      send: client.send,
      log: () => errors.text,
      async close() {
        client.close();
        await responder.close();
      },
    };
  },
};
