/**
 * A full circle: our server starts a program for each request by fromCgi, and the program is runCgi. The application of an audit lives in
 * the process of the audit: runCgi asks it by fromFastCgi, which has passed the audits on its own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromCgi } from '../../bridges/cgi/index.ts';
import { serveFastCgi } from '../../bridges/fastcgi/index.ts';
import type { AuditCapability, AuditHost } from '../../src/conformance/index.ts';
import { createServer } from '../../src/server/index.ts';
import { compiledPackage } from '../cli/compiled.ts';
import { fastCgiCircle } from './fastcgi-host.ts';
import { createLog, listen, SHARED_KEY } from './listening.ts';

const RELAY = join(import.meta.dirname, 'cgi-relay.js');

/** runCgi behind fromCgi. */
export const cgiCircle: AuditHost = {
  ...fastCgiCircle,
  name: 'fromCgi(runCgi)',
  capabilities: new Set<AuditCapability>(fastCgiCircle.capabilities),
  async serve(application, options = {}) {
    const log = createLog(options);
    const folder = mkdtempSync(join(tmpdir(), 'gatebridge-conformance-'));
    const path = join(folder, 'app.sock');
    const responder = await serveFastCgi(application, { path, closeDeadline: 0, ...log.gateway });
    const program = fromCgi([process.execPath, RELAY, compiledPackage(), path], {
      authorization: true,
      killTimeout: 0,
    });
    const server = createServer(program, { ...log.gateway, ...(options.tls ? { tls: SHARED_KEY } : {}) });
    const listening = await listen(server, { log, isTls: options.tls });
    return {
      ...listening,
      async close() {
        await listening.close();
        await responder.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
};
