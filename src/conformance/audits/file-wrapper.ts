/** Audits of `wsgi.file_wrapper`. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import type { Application, Body, Environ, HeaderList } from '../../wsgi.ts';
import type { AuditHost, GatewayAudit } from '../audit.ts';
import { onStage, type RequestParts } from '../stage.ts';
import { fieldValues, type WireResponse } from '../wire-client.ts';
import { type AuditRow, audit, eventually, text } from './kit.ts';

const CONTENT = 'The quick brown fox jumps over the lazy dog';

/** A file in memory that records its reads and closes. */
interface MemoryFile {
  reads: number[];
  closes: number;
  read(size: number): Uint8Array;
  tell?(): number;
  stat?(): { size: number };
  close?(): void;
}

/** The parameters of a file audit. */
interface FileCase {
  readonly file?: {
    readonly position?: number;
    readonly isSizeKnown?: boolean;
    readonly isClosable?: boolean;
  };
  readonly headers?: HeaderList;
  readonly status?: string;
  readonly blockSize?: number;
  readonly request?: RequestParts;
  /** Makes the body from the wrapper. @default returns the wrapper */
  use?(wrapper: Body): Body;
  check(response: WireResponse, file: MemoryFile): void;
  readonly isClosed?: boolean;
  /** Nothing may be logged. */
  readonly isQuiet?: boolean;
}

/** The audits of lines 143 to 150, and 241. */
export const FILE_WRAPPER_AUDITS: readonly GatewayAudit[] = [
  ...[5, 8, 16].map((length) =>
    fileAudit({
      id: `file-wrapper-241-content-length-${length}`,
      sentence: `MUST end at a Content-Length of ${length} that is shorter than the file, without an error`,
      citation: 'PEP 3333, Optional Platform-Specific File Handling',
      headers: text(['Content-Length', String(length)]),
      blockSize: 8,
      isQuiet: true,
      check: ({ content }) => equal(content.toString(), CONTENT.slice(0, length)),
    }),
  ),
  fileAudit({
    id: 'file-wrapper-143-blocks',
    sentence: 'MUST read a file in blocks of the given size to its end, and close it with the response',
    citation: 'PEP 3333, Optional Platform-Specific File Handling; wsgiref testFileWrapper',
    blockSize: 10,
    check({ content }, { reads }) {
      equal(content.toString(), CONTENT);
      // The last read finds the end of the file.
      deepEqual(reads, [10, 10, 10, 10, 10, 10]);
    },
  }),
  audit({
    id: 'file-wrapper-143-open-at-the-end',
    sentence: 'MUST close the file when close is called, not at the end of the file',
    citation: 'PEP 3333, Optional Platform-Specific File Handling; wsgiref testFileWrapper',
    run: (host) =>
      wrapAside(host, async (wrap) => {
        const file = memoryFile({});
        const wrapper = wrap(file);
        for await (const _ of wrapper);
        equal(file.closes, 0);
        await wrapper.close?.();
        equal(file.closes, 1);
      }),
  }),
  audit({
    id: 'file-wrapper-144-close',
    sentence: 'MUST have a close method only if the file has one',
    citation: 'PEP 3333, Optional Platform-Specific File Handling',
    run: (host) =>
      wrapAside(host, (wrap) => {
        equal(typeof wrap(memoryFile({})).close, 'function');
        equal(wrap(memoryFile({ isClosable: false })).close, undefined);
      }),
  }),
  fileAudit({
    id: 'file-wrapper-145-position',
    sentence: 'MUST start at the current position of the file, not at its beginning',
    citation: 'PEP 3333, Optional Platform-Specific File Handling; Falcon pull request 1991',
    file: { position: 4 },
    check: ({ content }) => equal(content.toString(), CONTENT.slice(4)),
  }),
  fileAudit({
    id: 'file-wrapper-146-content-length',
    sentence: 'MUST stop at Content-Length if the file is longer',
    citation: 'PEP 3333, Optional Platform-Specific File Handling; web2py issue 2658',
    headers: text(['Content-Length', '9']),
    check(response) {
      deepEqual(fieldValues(response, 'Content-Length'), ['9']);
      equal(response.content.toString(), 'The quick');
    },
  }),
  fileAudit({
    id: 'file-wrapper-147-known-size',
    sentence: 'SHOULD send the Content-Length of a file whose size and position are known',
    citation: 'Waitress nocl; mod_wsgi',
    file: { position: 4, isSizeKnown: true },
    check(response) {
      deepEqual(fieldValues(response, 'Content-Length'), [String(CONTENT.length - 4)]);
      equal(response.content.toString(), CONTENT.slice(4));
    },
  }),
  fileAudit({
    id: 'file-wrapper-148-plain-object',
    sentence: 'MUST accept any object with a read method',
    citation: 'PEP 3333, Optional Platform-Specific File Handling; Waitress notfilelike',
    file: { isClosable: false },
    isClosed: false,
    check: ({ content }) => equal(content.toString(), CONTENT),
  }),
  fileAudit({
    id: 'file-wrapper-149-wrapped',
    sentence: 'MUST work as an ordinary body inside a middleware',
    citation: 'PEP 3333, Optional Platform-Specific File Handling',
    blockSize: 10,
    use: (wrapper) => {
      async function* upperCase(): AsyncGenerator<string> {
        for await (const chunk of wrapper) yield String(chunk).toUpperCase();
      }
      return Object.assign(upperCase(), { close: () => wrapper.close?.() });
    },
    check: ({ content }) => equal(content.toString(), CONTENT.toUpperCase()),
  }),
  fileAudit({
    id: 'file-wrapper-149-discarded',
    sentence: 'MUST NOT read or send anything of a discarded wrapper',
    citation: 'PEP 3333, Optional Platform-Specific File Handling',
    use: (wrapper) => Object.assign(['instead'], { close: () => wrapper.close?.() }),
    check(response, { reads }) {
      equal(response.content.toString(), 'instead');
      deepEqual(reads, []);
    },
  }),
  fileAudit({
    id: 'file-wrapper-150-head',
    sentence: 'MUST send only the head for HEAD, and close the file',
    citation: 'RFC 9110 §9.3.2; Gunicorn no_body_sendfile',
    file: { isSizeKnown: true },
    request: { method: 'HEAD' },
    check: (response) => deepEqual(fieldValues(response, 'Content-Length'), [String(CONTENT.length)]),
  }),
  fileAudit({
    id: 'file-wrapper-150-not-modified',
    sentence: 'MUST send only the head with 304, and close the file',
    citation: 'RFC 9110 §15.4.5; Gunicorn no_body_sendfile',
    status: '304 Not Modified',
    check: ({ statusCode, framing }) => {
      equal(statusCode, 304);
      equal(framing, 'none');
    },
  }),
];

function fileAudit(row: AuditRow & FileCase): GatewayAudit {
  const { headers = text(), status = '200 OK', use = (wrapper) => wrapper, isClosed = true } = row;
  return audit({
    ...row,
    async run(host) {
      const file = memoryFile(row.file ?? {});
      const application: Application = (environ, startResponse) => {
        startResponse(status, [...headers]);
        return use(wrapperOf(environ)(file, row.blockSize));
      };
      await onStage(host, application, async ({ open, exchange, server }) => {
        const client = open();
        row.check(await exchange(client, row.request), file);
        assert.ok(await client.isSilent(20), 'Nothing may follow the response');
        if (isClosed) await eventually(() => file.closes > 0, 'the file is closed');
        equal(file.closes, isClosed ? 1 : 0);
        if (row.isQuiet) equal(server.log(), '');
      });
    },
  });
}

type Wrap = (file: MemoryFile, blockSize?: number) => Body;

/** Tests the file wrapper of a host without sending a file. */
async function wrapAside(host: AuditHost, act: (wrap: Wrap) => void | Promise<void>): Promise<void> {
  const wraps: Wrap[] = [];
  const application: Application = (environ, startResponse) => {
    wraps.push(wrapperOf(environ));
    startResponse('200 OK', text());
    return [];
  };
  await onStage(host, application, async ({ fetch }) => {
    await fetch();
    const [wrap] = wraps;
    assert.ok(wrap, 'The application must be called');
    await act(wrap);
  });
}

function wrapperOf(environ: Environ): Wrap {
  const wrapper = environ['wsgi.file_wrapper'];
  assert.ok(typeof wrapper === 'function', 'wsgi.file_wrapper must be a function');
  return (file, blockSize) => Reflect.apply(wrapper, undefined, [file, blockSize]);
}

function memoryFile({
  position = 0,
  isSizeKnown = false,
  isClosable = true,
}: NonNullable<FileCase['file']>): MemoryFile {
  const octets = Buffer.from(CONTENT);
  let at = position;
  const file: MemoryFile = {
    reads: [],
    closes: 0,
    read(size) {
      file.reads.push(size);
      const block = octets.subarray(at, at + size);
      at += block.length;
      return block;
    },
  };
  if (isSizeKnown) Object.assign(file, { tell: () => at, stat: () => ({ size: octets.length }) });
  if (isClosable) {
    const close = (): void => {
      file.closes += 1;
    };
    file.close = close;
  }
  return file;
}
