/** Python applications on the hosts: started for one test, ended after it. */
import { createHash } from 'node:crypto';
import { type AddressInfo, connect } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { afterEach, expect } from 'vitest';
import { toExpress } from '../../../bridges/express/index.ts';
import { toFastify } from '../../../bridges/fastify/index.ts';
import { fromPython, type PythonApplication, type PythonOptions } from '../../../bridges/python/index.ts';
import type { Application, Environ } from '../../../src/index.ts';
import { serve } from '../../../src/server/index.ts';
import { APPS, PYTHON } from './places.ts';

const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** Calls a function after the test. The last one comes first. */
export function afterTest(end: () => unknown): void {
  endings.push(end);
}

/** Makes an application of the probe, or of another one of the folder. */
export function python(options: Partial<PythonOptions> = {}): PythonApplication {
  const application = fromPython({
    application: 'probe:app',
    folder: APPS,
    python: PYTHON,
    workers: 1,
    log: () => {},
    shutdownTimeout: 3_000,
    ...options,
  });
  afterTest(() => application.close());
  return application;
}

/** Uploads a file and a note by a form to an application that answers with name, digest and note. */
export async function expectUpload(url: string, file: Buffer): Promise<void> {
  const body = new FormData();
  body.set('note', 'für dich');
  body.set('file', new Blob([file]), 'big.bin');
  const response = await fetch(url, { method: 'POST', body });
  expect(await response.json()).toEqual({
    name: 'big.bin',
    digest: createHash('sha256').update(file).digest('hex'),
    note: 'für dich',
  });
}

/** A host that serves an application. */
export interface Site {
  /** The address of the application, with its mount and without a slash at the end. */
  readonly url: string;
  /** The path of the mount. */
  readonly mount: string;
  /** What was written to `wsgi.errors`. */
  readonly errors: () => string;
}

/** Serves an application on one of the hosts. */
export type Serve = (
  application: Application,
  environ?: (environ: Environ) => Record<string, string>,
) => Promise<Site>;

function recorder(): { errors: () => string; options: { environ: Record<string, unknown> } } {
  let text = '';
  const errors = {
    write: (more: string) => {
      text += more;
    },
    writelines: (lines: Iterable<string>) => {
      text += [...lines].join('');
    },
    flush: () => {},
  };
  return { errors: () => text, options: { environ: { 'wsgi.errors': errors } } };
}

/** The hosts, by name. */
export const HOSTS: Readonly<Record<string, Serve>> = {
  async 'standalone server'(application) {
    const { errors, options } = recorder();
    const server = await serve(application, { port: 0, ...options });
    afterTest(() => server.shutdown({ timeout: 100 }));
    return { url: `${server.url}`.replace(/\/$/, ''), mount: '', errors };
  },
  async Express(application) {
    const { errors, options } = recorder();
    const app = express();
    app.use('/m', toExpress(application, options));
    app.use(((error, _request, response, next) => {
      if (response.headersSent) return next(error);
      const { status, statusCode = status ?? 500, headers = {} } = error;
      response.status(statusCode).set(headers).send(`failed: ${error.message}`);
    }) as express.ErrorRequestHandler);
    const server = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    afterTest(() => {
      server.closeAllConnections();
      server.close();
    });
    // A TCP server has such an address.
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}/m`, mount: '/m', errors };
  },
  async Fastify(application) {
    const { errors, options } = recorder();
    const instance = fastify({ forceCloseConnections: true });
    await instance.register(toFastify(application, options), { prefix: '/m' });
    const url = await instance.listen({ port: 0, host: '127.0.0.1' });
    afterTest(() => instance.close());
    return { url: `${url}/m`, mount: '/m', errors };
  },
};

/** Waits until something is so. */
export async function until(check: () => unknown, what = 'it'): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`${what} has not come`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Tells if a process exists. A zombie exists too. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * Sends a request, and leaves without a response. A client that only closes its half still gets one (RFC 9112 §9.6).
 *
 * @param wait Waits for the moment
 */
export async function leave(url: string, path: string, wait: () => Promise<unknown>): Promise<void> {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(`GET ${pathname === '/' ? '' : pathname}${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await wait();
  socket.resetAndDestroy();
}
