/** The response that a file is sent in: 200, 206, 304, 412 or 416 (RFC 9110 §13, §14). */
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { FileWrapper } from '../gateway/file-wrapper.ts';
import { describesContent } from '../gateway/headers.ts';
import { encodeUtf8 } from '../gateway/platform.ts';
import type { Body, Environ, HeaderList, StartResponse } from '../wsgi.ts';
import { answerText } from './answer.ts';
import { type ByteRange, parseRanges } from './byte-ranges.ts';
import type { FoundFile } from './file-finder.ts';
import { FileParts } from './file-parts.ts';
import { evaluate, isSameForRange, type Validators } from './preconditions.ts';

/** Opens a file for reading. */
export type OpenFile = (path: string) => Promise<FileHandle>;

/** A file, and the request for it. */
export interface FileRequest {
  readonly environ: Environ;
  readonly startResponse: StartResponse;
  readonly file: FoundFile;
  readonly coding: string | undefined;
  /** Content-Type comes first. */
  readonly fields: Readonly<HeaderList>;
  readonly maxRanges: number;
  readonly open: OpenFile;
  /** The field by which the server in front is told to send the file. */
  readonly inFront: HeaderList[number] | undefined;
}

/** Octets. Each read is a way to node's thread pool and back, and memory for each response. */
const BLOCK_SIZE = 262_144;

/** Answers with a file. The file is open only while its content is sent. */
export async function sendFile(request: FileRequest): Promise<Body> {
  const { environ, startResponse, file, inFront } = request;
  const isHead = environ.REQUEST_METHOD === 'HEAD';
  if (isHead || inFront !== undefined || evaluate(environ, validatorsOf(file.stats, request)) !== undefined) {
    return answerUnread(request, isHead);
  }
  const handle = await request.open(file.path);
  try {
    // The file may have been replaced since it was found.
    const stats = await handle.stat();
    if (!stats.isFile()) throw new Error(`${file.path} is no longer a file`);
    const content = contentOf(request, stats);
    if (content.parts.length === 0) await handle.close();
    startResponse(content.status, content.headers);
    if (content.parts.length === 0) return [];
    return wrap(environ, new FileParts(handle, content.parts));
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Uses the server's file wrapper, if it has one. */
function wrap(environ: Environ, parts: FileParts): Body {
  return environ['wsgi.file_wrapper']?.(parts, BLOCK_SIZE) ?? new FileWrapper(parts, BLOCK_SIZE);
}

function answerUnread(request: FileRequest, isHead: boolean): Body {
  const { environ, startResponse, file, fields, inFront } = request;
  const validators = validatorsOf(file.stats, request);
  const status = evaluate(environ, validators);
  const described = [...fields, ...describe(validators)];
  if (status === 412) return answerText(environ, startResponse, { statusCode: 412 });
  if (status === 304) {
    startResponse(
      '304 Not Modified',
      described.filter(([name]) => !describesContent(name)),
    );
    return [];
  }
  if (inFront !== undefined) startResponse('200 OK', [...described, inFront]);
  else if (isHead) startResponse('200 OK', [...described, ['Content-Length', String(file.stats.size)]]);
  return [];
}

/** The validators of a file. */
interface FileValidators extends Validators {
  readonly etag: string;
}

function describe({ etag, modified }: FileValidators): HeaderList {
  return [
    ['Accept-Ranges', 'bytes'],
    ['ETag', etag],
    ['Last-Modified', new Date(modified).toUTCString()],
  ];
}

/** A coded variant has an ETag of its own (RFC 9110 §8.8.3.3). */
function validatorsOf({ size, mtimeMs }: Stats, { coding }: FileRequest): FileValidators {
  const suffix = coding === undefined ? '' : `-${coding}`;
  const time = Math.trunc(mtimeMs * 1000).toString(36);
  // RFC 9110 §8.8.2.1: no date in the future.
  const modified = Math.floor(Math.min(mtimeMs, Date.now()) / 1000) * 1000;
  return { etag: `"${size.toString(36)}-${time}${suffix}"`, modified };
}

interface FileContent {
  readonly status: string;
  readonly headers: HeaderList;
  readonly parts: readonly (ByteRange | Uint8Array)[];
}

function contentOf(request: FileRequest, stats: Stats): FileContent {
  const { environ, fields, maxRanges } = request;
  const { size } = stats;
  const validators = validatorsOf(stats, request);
  const headers = [...fields, ...describe(validators)];
  const { HTTP_RANGE: range, HTTP_IF_RANGE: ifRange } = environ;
  const counts = range !== undefined && isSameForRange(ifRange, validators);
  const ranges = counts ? parseRanges(range, size, maxRanges) : undefined;
  if (ranges === undefined) {
    const parts = size > 0 ? [{ start: 0, end: size }] : [];
    return { status: '200 OK', headers: [...headers, ['Content-Length', String(size)]], parts };
  }
  const [only] = ranges;
  if (only === undefined) {
    const unsatisfied: HeaderList = [
      ['Content-Range', `bytes */${size}`],
      ['Content-Length', '0'],
    ];
    return { status: '416 Range Not Satisfiable', headers: unsatisfied, parts: [] };
  }
  if (ranges.length > 1) return multipart(headers, ranges, size);
  const part: HeaderList = [
    ['Content-Range', formatRange(only, size)],
    ['Content-Length', String(only.end - only.start)],
  ];
  return { status: '206 Partial Content', headers: [...headers, ...part], parts: [only] };
}

function formatRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end - 1}/${size}`;
}

/** multipart/byteranges (RFC 9110 §14.6). */
function multipart(headers: Readonly<HeaderList>, ranges: readonly ByteRange[], size: number): FileContent {
  const boundary = `part-${randomText()}${randomText()}`;
  const [[, type = ''] = [], ...others] = headers;
  const parts = ranges.flatMap((range, index) => {
    const start = `${index === 0 ? '' : '\r\n'}--${boundary}\r\n`;
    const head = `${start}Content-Type: ${type}\r\nContent-Range: ${formatRange(range, size)}\r\n\r\n`;
    return [encodeUtf8(head), range];
  });
  const all = [...parts, encodeUtf8(`\r\n--${boundary}--\r\n`)];
  const length = all.reduce((sum, part) => {
    return sum + (part instanceof Uint8Array ? part.length : part.end - part.start);
  }, 0);
  const fields: HeaderList = [
    ['Content-Type', `multipart/byteranges; boundary=${boundary}`],
    ['Content-Length', String(length)],
  ];
  return { status: '206 Partial Content', headers: [...others, ...fields], parts: all };
}

function randomText(): string {
  return Math.random().toString(36).slice(2).padEnd(10, '0');
}
