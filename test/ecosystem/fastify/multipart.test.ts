/** @fastify/multipart: files, fields, limits, and unfinished uploads. */
import multipart from '@fastify/multipart';
import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request, transcript, until } from '../../messages/side-by-side.ts';
import { alike, closeAll, type Place, type PlaceName, serveEverywhere } from './three-servers.ts';

let places: readonly Place[];
/** Notes about uploads that were broken off. */
const trail: Record<PlaceName, string[]> = { node: [], fromFastify: [], serverFactory: [] };

beforeAll(async () => {
  places = await serveEverywhere(async (options, name) => {
    const app = fastify(options);
    await app.register(multipart, { limits: { fileSize: 1000, files: 2, fields: 3 } });
    app.post('/parts', async (req) => {
      const parts: unknown[] = [];
      for await (const part of req.parts()) {
        if (part.type === 'field') parts.push([part.fieldname, part.value, part.mimetype]);
        else parts.push([part.fieldname, part.filename, part.mimetype, (await part.toBuffer()).length]);
      }
      return parts;
    });
    app.post('/file', async (req) => {
      const file = await req.file();
      const content = await file?.toBuffer();
      return {
        name: file?.filename,
        fields: Object.keys(file?.fields ?? {}),
        content: content?.toString('latin1'),
      };
    });
    app.post('/truncated', async (req) => {
      const file = await req.file({ throwFileSizeLimit: false });
      for await (const _chunk of file?.file ?? []);
      return { truncated: file?.file.truncated };
    });
    app.post('/saved', async (req) => {
      const saved = await req.saveRequestFiles();
      return saved.files.map((file) => [file.fieldname, file.filename, file.type]);
    });
    app.post('/unread', async (_req, reply) => reply.code(403).send('unread'));
    app.post('/watched', async (req) => {
      try {
        const file = await req.file();
        for await (const _chunk of file?.file ?? []);
        trail[name].push('complete');
      } catch (error) {
        trail[name].push(String(error));
        throw error;
      }
      return 'watched';
    });
    return app;
  });
});

afterAll(() => closeAll(places));

const BOUNDARY = 'the-boundary';
const TYPE = `Content-Type: multipart/form-data; boundary=${BOUNDARY}`;

function field(name: string, value: string): string {
  return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
}

function file(name: string, content: string, filename = `${name}.txt`): string {
  const disposition = `Content-Disposition: form-data; name="${name}"; filename="${filename}"`;
  return `--${BOUNDARY}\r\n${disposition}\r\nContent-Type: text/plain\r\n\r\n${content}\r\n`;
}

const END = `--${BOUNDARY}--\r\n`;
const MIXED = field('first', 'one') + file('upload', 'content\r\nof the file') + field('last', 'ä') + END;
const CASES: readonly (readonly [string, string, string, string])[] = [
  ['files and fields', '/parts', MIXED, '200'],
  ['one file', '/file', MIXED, '200'],
  ['a name outside ASCII', '/file', file('upload', 'x', 'näme.txt') + END, '200'],
  ['an empty file', '/file', file('upload', '') + END, '200'],
  ['two files', '/parts', file('a', '1') + file('b', '2') + END, '200'],
  ['files that are saved', '/saved', file('a', '1') + file('b', '2') + END, '200'],
  ['no parts', '/parts', END, '200'],
  ['a file that is too long', '/parts', file('a', 'x'.repeat(1001)) + END, '413'],
  ['a file that is cut', '/truncated', file('a', 'x'.repeat(1001)) + END, '200'],
  ['too many files', '/parts', file('a', '1') + file('b', '2') + file('c', '3') + END, '413'],
  ['too many fields', '/parts', 'abcd'.replace(/./g, (name) => field(name, '1')) + END, '413'],
  ['a forbidden name', '/parts', field('__proto__', '1') + END, '400'],
  ['a broken part', '/parts', `--${BOUNDARY}\r\nbroken\r\n\r\n`, '500'],
  ['parts that are not read', '/unread', MIXED, '403'],
];

describe('@fastify/multipart', () => {
  it.each(CASES)('answers alike: %s', async (_name, path, content, status) => {
    expect((await alike(places, [request('POST', path, [TYPE], content)])).slice(9, 12)).toBe(status);
  });

  it('refuses content that is not multipart', async () => {
    expect(await alike(places, [request('POST', '/file', ['Content-Type: text/plain'], 'x')])).toMatch(
      / 406 /,
    );
    const unbound = request('POST', '/file', ['Content-Type: multipart/form-data'], MIXED);
    expect(await alike(places, [unbound])).toMatch(/^HTTP\/1\.1 [45]/);
  });

  it('accepts parts that arrive in pieces', async () => {
    const whole = request('POST', '/parts', [TYPE], MIXED);
    const cuts = [120, 260, 300, 380, 381, whole.length];
    const steps = cuts.flatMap((cut, index) => [whole.slice(cuts[index - 1] ?? 0, cut), 2]);
    expect(await alike(places, steps)).toContain('["upload","upload.txt","text/plain",20]');
  });

  it('reports a missing end', async () => {
    const whole = request('POST', '/file', [TYPE], file('a', '1'));
    // Compares no message: busboy has two errors, and ticks decide which one is first.
    const text = await alike(places, [whole]);
    expect(text).toMatch(/^HTTP\/1\.1 500 /);
  });

  it('accepts parts in chunks', async () => {
    const chunk = `${MIXED.length.toString(16)}\r\n${MIXED}\r\n`;
    const head = request('POST', '/file', [TYPE, 'Transfer-Encoding: chunked']);
    const octets = Buffer.from(`${head}${chunk}0\r\n\r\n`, 'latin1');
    expect(await alike(places, [octets])).toContain('content\\r\\nof the file');
  });

  it('reports an upload that was broken off', async () => {
    const head = request('POST', '/watched', [TYPE, 'Content-Length: 5000']);
    const begun = `${head}--${BOUNDARY}\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nbegun`;
    // Not compared: the answer to a client that closed its half is the server's own.
    await Promise.all(places.map((place) => transcript(place, begun, 30, 'end')));
    for (const lines of Object.values(trail)) await until(() => lines.length > 0);
    const { node, ...others } = trail;
    expect(node).toHaveLength(1);
    expect(others).toEqual({ fromFastify: node, serverFactory: node });
  });
});
