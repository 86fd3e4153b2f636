import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FileLike, FileWrapper, fileLength, fileWrapper } from '../../src/gateway/file-wrapper.ts';
import { Input } from '../../src/gateway/input.ts';

let folder = '';
let path = '';
const content = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-wrapper-'));
  path = join(folder, 'file.bin');
  await writeFile(path, content);
});

afterAll(() => rm(folder, { recursive: true }));

/** A file in memory with every optional method. */
function createFile(text: string): Required<FileLike> & { closed: number; position: number } {
  const octets = Buffer.from(text);
  return {
    closed: 0,
    position: 0,
    read(size) {
      const block = octets.subarray(this.position, this.position + size);
      this.position += block.length;
      return block;
    },
    stat: () => ({ size: octets.length }),
    tell() {
      return this.position;
    },
    close() {
      this.closed += 1;
    },
  };
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<string[]> {
  const blocks: string[] = [];
  for await (const block of body) blocks.push(Buffer.from(block).toString('latin1'));
  return blocks;
}

describe('FileWrapper', () => {
  it('yields blocks of the given size, the last one shorter', async () => {
    expect(await collect(new FileWrapper(createFile('xyz'.repeat(5)), 4))).toEqual([
      'xyzx',
      'yzxy',
      'zxyz',
      'xyz',
    ]);
  });

  it('reads 8192 octets by default', async () => {
    const sizes: number[] = [];
    await collect(
      new FileWrapper({
        read(size: number) {
          sizes.push(size);
          return null;
        },
      }),
    );
    expect(sizes).toEqual([8192]);
  });

  it('is its own iterator', () => {
    const wrapper = new FileWrapper(createFile(''));
    expect(wrapper[Symbol.asyncIterator]()).toBe(wrapper);
  });

  it('closes with close(), not at the end', async () => {
    const file = createFile('xyz');
    const wrapper = new FileWrapper(file);
    await collect(wrapper);
    expect(file.closed).toBe(0);
    await wrapper.close?.();
    expect(file.closed).toBe(1);
  });

  it('has close() only if the file has', () => {
    expect('close' in new FileWrapper({ read: () => null })).toBe(false);
    expect('close' in new FileWrapper(createFile(''))).toBe(true);
  });

  it('does not close a file that is left before its end', async () => {
    const file = createFile('xyzxyz');
    for await (const block of new FileWrapper(file, 2)) {
      expect(block.length).toBe(2);
      break;
    }
    expect(file.closed).toBe(0);
  });

  it('starts at the position of the file', async () => {
    const file = createFile('0123456789');
    await file.read(7);
    expect(await collect(new FileWrapper(file))).toEqual(['789']);
  });

  it('accepts an asynchronous read, and null for the end', async () => {
    const blocks = [Buffer.from('a'), Buffer.from('b'), null];
    expect(await collect(new FileWrapper({ read: async () => blocks.shift() ?? null }))).toEqual(['a', 'b']);
  });

  it('reads wsgi.input in blocks, not in lines', async () => {
    const pieces = [Buffer.from('a\nb\n'), Buffer.from('c\nd\n')];
    const input = new Input({ pull: () => pieces.shift() ?? null });
    expect(await collect(new FileWrapper(input, 5))).toEqual(['a\nb\nc', '\nd\n']);
  });

  it('passes on errors of read', async () => {
    const error = new Error('disk on fire');
    const wrapper = new FileWrapper({
      read() {
        throw error;
      },
    });
    await expect(wrapper.next()).rejects.toBe(error);
  });

  it('refuses an unreadable file and an invalid block size', () => {
    const wrong: unknown[] = [null, undefined, 'file', {}, { read: 1 }];
    // Callers without types can pass anything.
    for (const file of wrong) expect(() => new FileWrapper(file as FileLike)).toThrow(TypeError);
    expect(() => new FileWrapper('page.html' as never)).toThrow('pass createReadStream("page.html")');
    for (const size of [0, -1, 1.5, Number.NaN]) {
      expect(() => new FileWrapper(createFile(''), size)).toThrow(RangeError);
    }
  });
});

describe('FileWrapper of a FileHandle', () => {
  it('yields the whole file and closes it', async () => {
    const handle = await open(path);
    const wrapper = new FileWrapper(handle);
    const blocks = await collect(wrapper);
    expect(Buffer.from(blocks.join(''), 'latin1').equals(content)).toBe(true);
    expect(handle.fd).toBeGreaterThan(0);
    await wrapper.close?.();
    expect(handle.fd).toBe(-1);
  });

  it('knows the length and still yields the first block', async () => {
    const handle = await open(path);
    const wrapper = new FileWrapper(handle, 1000);
    expect(await fileLength(wrapper)).toBe(content.length);
    const blocks = await collect(wrapper);
    expect(blocks).toHaveLength(200);
    expect(Buffer.from(blocks.join(''), 'latin1').equals(content)).toBe(true);
    await handle.close();
  });

  it('starts at the position of the handle, with an unknown length then', async () => {
    const handle = await open(path);
    await handle.read(Buffer.alloc(150_000), 0, 150_000);
    const wrapper = new FileWrapper(handle);
    expect(await fileLength(wrapper)).toBeUndefined();
    const blocks = await collect(wrapper);
    expect(Buffer.from(blocks.join(''), 'latin1').equals(content.subarray(150_000))).toBe(true);
    await handle.close();
  });

  it('has an unknown length at the end of the file', async () => {
    const handle = await open(path);
    await handle.read(Buffer.alloc(content.length), 0, content.length);
    expect(await fileLength(new FileWrapper(handle))).toBeUndefined();
    await handle.close();
  });

  it('knows the length of an empty file', async () => {
    const emptyPath = join(folder, 'empty');
    await writeFile(emptyPath, '');
    const handle = await open(emptyPath);
    expect(await fileLength(new FileWrapper(handle))).toBe(0);
    await handle.close();
  });

  it.runIf(process.platform === 'linux')('ignores a size of 0 if the file has octets', async () => {
    const handle = await open('/proc/self/status');
    const wrapper = new FileWrapper(handle);
    expect(await fileLength(wrapper)).toBeUndefined();
    expect((await collect(wrapper)).join('')).toContain('Pid:');
    await handle.close();
  });
});

describe('FileWrapper of a stream', () => {
  it('yields a file stream and destroys it with close()', async () => {
    const stream = createReadStream(path, { start: 10, end: 99_999 });
    const wrapper = new FileWrapper(stream);
    const { value } = await wrapper.next();
    expect(Buffer.from(value ?? [])[0]).toBe(content[10]);
    await wrapper.close?.();
    expect(stream.destroyed).toBe(true);
  });

  it('yields a stream to its end without empty pieces', async () => {
    const pieces = [Buffer.from('a'), Buffer.alloc(0), Buffer.from('b')];
    expect(await collect(new FileWrapper(Readable.from(pieces)))).toEqual(['a', 'b']);
  });

  it('destroys a stream that was not read', async () => {
    const stream = Readable.from(['x']);
    await new FileWrapper(stream).close?.();
    expect(stream.destroyed).toBe(true);
  });

  it('passes on the error of the stream', async () => {
    const wrapper = new FileWrapper(createReadStream(join(folder, 'missing')));
    await expect(wrapper.next()).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('fileLength()', () => {
  it('is the rest of a file that tells size and position', async () => {
    const file = createFile('0123456789');
    await file.read(3);
    expect(await fileLength(new FileWrapper(file))).toBe(7);
  });

  it('is never negative', async () => {
    const length = fileLength(
      new FileWrapper({ read: () => null, stat: () => ({ size: 1 }), tell: () => 5 }),
    );
    expect(await length).toBe(0);
  });

  it('is unknown for a file without that, for a stream and for any other body', async () => {
    expect(
      await fileLength(new FileWrapper({ read: () => null, stat: () => ({ size: 1 }) })),
    ).toBeUndefined();
    expect(fileLength(new FileWrapper(Readable.from([])))).toBeUndefined();
    expect(fileLength([Buffer.from('x')])).toBeUndefined();
  });
});

describe('fileWrapper()', () => {
  it('works with and without new', async () => {
    const called = fileWrapper(createFile('abc'), 2);
    const constructed = new fileWrapper(createFile('abc'), 2);
    expect(called).toBeInstanceOf(FileWrapper);
    expect(constructed).toBeInstanceOf(FileWrapper);
    expect([await collect(called), await collect(constructed)]).toEqual([
      ['ab', 'c'],
      ['ab', 'c'],
    ]);
  });
});
