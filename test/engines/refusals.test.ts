/** What no worker of Cloudflare can do says so when it is called, although workerd has node's modules. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { requirePeer } from '../support/peer.ts';
import { WORKERD } from './engines.ts';
import { startWorker } from './workerd.ts';

it('servers and processes are refused on workerd', { timeout: 60_000 }, async (context) => {
  requirePeer(context, WORKERD);
  const worker = await startWorker(join(import.meta.dirname, 'refusals-worker.ts'), 'node');
  try {
    let outcomes: unknown;
    const ask = async (): Promise<boolean> => {
      outcomes = await fetch(`http://127.0.0.1:${worker.http}/`).then((response) => response.json());
      return true;
    };
    await expect.poll(() => ask().catch(() => false), { timeout: 20_000 }).toBe(true);
    const cannotListen =
      'cannot listen on Cloudflare Workers: export default { fetch: toFetch(application) }';
    expect(outcomes).toEqual({
      serve: `Error: A server ${cannotListen}`,
      listen: `Error: A server ${cannotListen}`,
      serveFastCgi: `Error: serveFastCgi ${cannotListen}`,
      fromCgi: 'Error: fromCgi cannot start processes on Cloudflare Workers',
      fromPython: 'Error: fromPython cannot start processes on Cloudflare Workers',
      fromNode:
        'Error: fromNode, fromExpress and fromFastify cannot make messages of node on Cloudflare Workers',
    });
  } finally {
    await worker.stop();
  }
});
