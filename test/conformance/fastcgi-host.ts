/**
 * A full circle: our server asks a responder by fromFastCgi, and serveFastCgi is that responder. So audits, which speak HTTP, reach
 * serveFastCgi, and hold its client as well.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromFastCgi, serveFastCgi } from '../../bridges/fastcgi/index.ts';
import type { AuditCapability, AuditHost } from '../../src/conformance/index.ts';
import { createServer } from '../../src/server/index.ts';
import { createLog, listen, SHARED_KEY } from './listening.ts';
import { MIDDLEWARE } from './middleware.ts';
import { MISTAKES } from './mistakes.ts';
import { WRAPPERS } from './wrappers.ts';

/** serveFastCgi behind fromFastCgi. */
export const fastCgiCircle: AuditHost = {
  name: 'fromFastCgi(serveFastCgi)',
  capabilities: new Set<AuditCapability>([
    'serve',
    'http1',
    'plain',
    'tls',
    'wrap',
    'middleware',
    'any-path',
    'field-case',
    'deep-pipeline',
    'own-error-page',
    'asterisk-form',
    'as-received',
  ]),
  async serve(application, options = {}) {
    const log = createLog(options);
    const folder = mkdtempSync(join(tmpdir(), 'gatebridge-conformance-'));
    const path = join(folder, 'app.sock');
    const responder = await serveFastCgi(application, { path, closeDeadline: 0, ...log.gateway });
    const client = fromFastCgi({ path, authorization: true, unknownLength: 'stream' });
    const server = createServer(client, { ...log.gateway, ...(options.tls ? { tls: SHARED_KEY } : {}) });
    const listening = await listen(server, { log, isTls: options.tls });
    return {
      ...listening,
      async close() {
        await listening.close();
        await client.close();
        await responder.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
  wrappers: WRAPPERS,
  middleware: MIDDLEWARE,
  mistakes: MISTAKES,
};
