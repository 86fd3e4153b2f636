/**
 * A form with files (multipart/form-data). busboy parses it as it arrives, and no file is held in memory as a whole.
 *
 *     npx tsx examples/multipart.ts
 *     curl -F name=Ada -F file=@package.json http://127.0.0.1:8124/
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import busboy from 'busboy';
import type { Environ, StartResponse } from 'gatebridge';
import { serve } from 'gatebridge/server';

async function readParts(environ: Environ): Promise<string[]> {
  const parts: string[] = [];
  const limits = { fileSize: 100_000_000, files: 10 };
  const parser = busboy({ headers: { 'content-type': environ.CONTENT_TYPE }, limits });
  parser.on('field', (name, value) => parts.push(`${name} is ${value}`));
  parser.on('file', (name, file, { filename }) => {
    const hash = createHash('sha256');
    file.on('data', (piece) => hash.update(piece));
    file.on('end', () => parts.push(`${name} is the file ${filename}, SHA-256 ${hash.digest('hex')}`));
  });
  await pipeline(Readable.from(environ['wsgi.input'].chunks()), parser);
  return parts;
}

async function form(environ: Environ, startResponse: StartResponse) {
  const text = [['Content-Type', 'text/plain; charset=utf-8']] as const;
  try {
    const parts = await readParts(environ);
    startResponse('200 OK', text);
    return parts.map((part) => Buffer.from(`${part}\n`));
  } catch (error) {
    startResponse('400 Bad Request', text, error);
    return [Buffer.from(`${error}\n`)];
  }
}

console.log((await serve(form, { port: process.env.PORT })).url);
