/**
 * A circle through Python: our server asks a WSGI application by fromPython, whose every event goes on to an application of an audit.
 *
 * So the audits hold what a server of Python applications must do: the environ (under the checks of wsgiref.validate), wsgi.input,
 * the order of head and chunks, failures, close(). All audits share the workers, because starting Python takes longer than an audit.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createNetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromPython, type PythonApplication } from '../../bridges/python/index.ts';
import type { AuditCapability, AuditHost } from '../../src/conformance/index.ts';
import { toApplication } from '../../src/index.ts';
import { createServer } from '../../src/server/index.ts';
import { PYTHON } from '../bridges/python/places.ts';
import { fastCgiCircle } from './fastcgi-host.ts';
import { createLog, listen, SHARED_KEY } from './listening.ts';
import { answerRelay } from './relay.ts';

let workers: PythonApplication | undefined;

function python(): PythonApplication {
  workers ??= fromPython({
    application: 'relay_app.py:application',
    folder: import.meta.dirname,
    python: PYTHON,
    env: { PYTHONDONTWRITEBYTECODE: '1' },
    workers: 1,
    threads: 64,
    shutdownTimeout: 0,
  });
  return workers;
}

/** Ends the workers. */
export async function closePython(): Promise<void> {
  await workers?.close();
  workers = undefined;
}

/** A WSGI application in Python. */
export const pythonCircle: AuditHost = {
  ...fastCgiCircle,
  name: 'fromPython',
  capabilities: new Set<AuditCapability>(fastCgiCircle.capabilities),
  async serve(application, options = {}) {
    const log = createLog(options);
    const call = toApplication(application);
    const folder = mkdtempSync(join(tmpdir(), 'gatebridge-conformance-'));
    const path = join(folder, 'app.sock');
    const sockets = new Set<Socket>();
    const relay = createNetServer((socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      void answerRelay(socket, call, log.gateway);
    });
    await new Promise<void>((resolve) => relay.listen(path, resolve));
    const gateway = { ...log.gateway, environ: { ...log.gateway.environ, 'audit.socket': path } };
    const server = createServer(python(), { ...gateway, ...(options.tls ? { tls: SHARED_KEY } : {}) });
    const listening = await listen(server, { log, isTls: options.tls });
    return {
      ...listening,
      async close() {
        await listening.close();
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => relay.close(resolve));
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
};
