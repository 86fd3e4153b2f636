/** Starts what a file of tests needs in other processes, once: php-fpm and nginx. Python is started by fromPython. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveFastCgi } from '../../bridges/fastcgi/index.ts';
import type { ApplicationFunction } from '../../src/index.ts';
import { PYTHON } from '../bridges/python/places.ts';
import { PHP_FPM, PhpSite } from '../peers/php-site.ts';
import { hasModule } from '../peers/python/require-python.ts';
import { findPeer } from '../support/peer.ts';
import type { Peers } from './matrix.ts';
import { startNginx } from './nginx.ts';
import { answer } from './programs/gateway.ts';

/** Programs in other processes. */
export interface StartedPeers extends Peers {
  close(): Promise<void>;
}

/** Starts them. In CI all must be installed; elsewhere a circle stands in for PHP, and says so. */
export async function startPeers(): Promise<StartedPeers> {
  const python = [PYTHON, 'python3'].find((one) => hasModule('flask', one));
  const { responder, close } = await startResponder();
  const program = findPeer('/usr/sbin/nginx', 'nginx');
  const nginx = program === undefined ? undefined : await startNginx(program);
  return {
    folder: FOLDER,
    responder,
    python,
    nginx,
    async close() {
      await nginx?.close();
      await close();
    },
  };
}

const FOLDER = join(import.meta.dirname, 'programs');

async function startResponder(): Promise<Pick<StartedPeers, 'responder' | 'close'>> {
  const php = findPeer(...PHP_FPM);
  if (php !== undefined) {
    const site = new PhpSite(php);
    await site.start();
    return { responder: { path: site.socket, isPhp: true }, close: () => site.remove() };
  }
  if (process.env.CI === 'true') throw new Error('php-fpm is not installed: add it to .ci/run');
  console.warn('php-fpm is not installed: serveFastCgi stands in for it');
  const place = mkdtempSync(join(tmpdir(), 'gatebridge-matrix-'));
  const path = join(place, 'responder.sock');
  const environ = { 'wsgi.errors': { write() {}, writelines() {}, flush() {} } };
  // It is mounted at several places, and gets the whole path.
  const standIn: ApplicationFunction = (environ, startResponse) =>
    answer(
      { ...environ, PATH_INFO: environ.PATH_INFO.replace(/^.*(?=\/(?:greet|echo|stream|fail))/, '') },
      startResponse,
    );
  const responder = await serveFastCgi(standIn, { path, closeDeadline: 0, environ });
  return {
    responder: { path, isPhp: false },
    async close() {
      await responder.close();
      rmSync(place, { recursive: true, force: true });
    },
  };
}
