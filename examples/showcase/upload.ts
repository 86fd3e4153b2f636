/** Takes an upload of any size, piece by piece, and tells how far it has come. Nothing of it is kept. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Application } from 'gatebridge';
import { tellerOf } from './live.ts';

export const upload: Application = async (environ, startResponse) => {
  const tell = tellerOf(environ);
  const isSlow = new URLSearchParams(environ.QUERY_STRING).has('slow');
  const hash = createHash('sha256');
  let octets = 0;
  let told = 0;
  for await (const piece of environ['wsgi.input'].chunks()) {
    hash.update(piece);
    octets += piece.length;
    // Whoever reads slowly is sent to slowly.
    if (isSlow) await sleep(piece.length / 8_000);
    if (octets - told < 500_000) continue;
    told = octets;
    tell('upload', octets);
  }
  startResponse('200 OK', [['Content-Type', 'application/json']]);
  return [Buffer.from(JSON.stringify({ octets, sha256: hash.digest('hex') }))];
};
