/**
 * A request of any size. Its content is read block by block and never held in memory as a whole.
 *
 *     npx tsx examples/upload.ts
 *     curl -T package-lock.json http://127.0.0.1:8124/
 */
import { createHash } from 'node:crypto';
import type { Environ, StartResponse } from 'gatebridge';
import { serve } from 'gatebridge/server';

async function upload(environ: Environ, startResponse: StartResponse) {
  const input = environ['wsgi.input'];
  const hash = createHash('sha256');
  let length = 0;
  for (let block = await input.read(65_536); block.length > 0; block = await input.read(65_536)) {
    hash.update(block);
    length += block.length;
  }
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  return [Buffer.from(`${length} octets, SHA-256 ${hash.digest('hex')}\n`)];
}

const server = await serve(upload, { port: process.env.PORT });
console.log(server.url);
