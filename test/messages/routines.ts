/** Routines: operations of several steps, as real middleware performs them. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough, pipeline, Readable } from 'node:stream';
import type { ProgramContext } from './program-context.ts';

export type RoutineName = keyof typeof ROUTINES;

/** All routines, by name. */
export const ROUTINES = {
  'wrap writeHead as on-headers does': wrapWriteHead,
  'wrap write and end as compression does': wrapWrites,
  'wrap end as express-session does': wrapEnd,
  'swap the prototypes and back': swapTwice,
  'swap the prototypes': swapPrototypes,
  'collect the content': collect,
  'iterate over the content': iterate,
  'read when readable': readWhenReadable,
  'read one piece and leave off': readOnePiece,
  'pipe the request into the response': ({ req, res }: ProgramContext) => req.pipe(res) === res,
  'pipe the request through a transform': ({ req, res }: ProgramContext) =>
    req.pipe(new PassThrough()).pipe(res) === res,
  'pipe text into the response': ({ res }: ProgramContext) =>
    Readable.from(['a', 'bc', 'd']).pipe(res) === res,
  'pipeline text into the response': pipelineText,
  'list the headers': listHeaders,
  'interim responses': sendInterims,
} satisfies Record<string, (context: ProgramContext) => unknown>;

function wrapWriteHead({ res, note }: ProgramContext): void {
  const writeHead = res.writeHead;
  let isFirst = true;
  Reflect.set(res, 'writeHead', function patched(this: ServerResponse, ...args: unknown[]) {
    if (isFirst) {
      isFirst = false;
      note(`head is about to be written with ${args.length} arguments`);
      if (!res.headersSent) res.setHeader('X-On-Headers', '1');
    }
    return Reflect.apply(writeHead, this, args);
  });
}

function wrapWrites({ res }: ProgramContext): void {
  const { write, end, on } = res;
  const prepare = (): void => {
    if (!Reflect.get(res, '_header')) Reflect.apply(Reflect.get(res, '_implicitHeader'), res, []);
  };
  Reflect.set(res, 'write', function patched(this: ServerResponse, ...args: unknown[]) {
    prepare();
    return Reflect.apply(write, this, args);
  });
  Reflect.set(res, 'end', function patched(this: ServerResponse, ...args: unknown[]) {
    if (!res.writableEnded) prepare();
    return Reflect.apply(end, this, args);
  });
  Reflect.set(res, 'on', function patched(this: ServerResponse, ...args: unknown[]) {
    return Reflect.apply(on, this, args);
  });
}

/** Holds back the end until the session has been stored. */
function wrapEnd({ res }: ProgramContext): void {
  const { end } = res;
  let isStored = false;
  Reflect.set(res, 'end', function patched(this: ServerResponse, ...args: unknown[]) {
    if (isStored) return Reflect.apply(end, this, args);
    isStored = true;
    if (!Reflect.get(res, '_header')) Reflect.apply(Reflect.get(res, '_implicitHeader'), res, []);
    setImmediate(() => Reflect.apply(end, res, args));
    return true;
  });
}

function swapPrototypes({ req, res }: ProgramContext): unknown[] {
  Object.setPrototypeOf(req, Object.create(IncomingMessage.prototype, { mark: { value: 'req' } }));
  Object.setPrototypeOf(res, Object.create(ServerResponse.prototype, { mark: { value: 'res' } }));
  return [Reflect.get(req, 'mark'), Reflect.get(res, 'mark'), res instanceof ServerResponse];
}

function swapTwice(context: ProgramContext): unknown[] {
  const prototypes = [Object.getPrototypeOf(context.req), Object.getPrototypeOf(context.res)];
  const seen = swapPrototypes(context);
  Object.setPrototypeOf(context.req, prototypes[0]);
  Object.setPrototypeOf(context.res, prototypes[1]);
  return [...seen, Reflect.get(context.req, 'mark')];
}

function collect({ req, note }: ProgramContext): void {
  let text = '';
  req.on('data', (piece) => {
    text += piece;
  });
  req.on('end', () =>
    note(`content ${JSON.stringify(text)} ${JSON.stringify(req.trailers)} ${req.rawTrailers}`, 'request'),
  );
}

function iterate({ req, note }: ProgramContext): void {
  const read = async (): Promise<void> => {
    let text = '';
    try {
      for await (const piece of req) text += piece;
      note(`iterated ${JSON.stringify(text)}`, 'request');
    } catch (error) {
      note(`iteration fails with ${(error as NodeJS.ErrnoException).code}`, 'request');
    }
  };
  void read();
}

function readWhenReadable({ req, note }: ProgramContext): void {
  let text = '';
  req.on('readable', () => {
    for (let piece = req.read(); piece !== null; piece = req.read()) text += piece;
  });
  req.on('end', () => note(`readable ${JSON.stringify(text)}`, 'request'));
}

function readOnePiece({ req, note }: ProgramContext): void {
  const read = async (): Promise<void> => {
    try {
      for await (const piece of req) {
        note(`piece ${piece}`, 'request');
        break;
      }
      note('left off', 'request');
    } catch (error) {
      note(`iteration fails with ${(error as NodeJS.ErrnoException).code}`, 'request');
    }
  };
  void read();
}

function pipelineText({ res, note }: ProgramContext): void {
  pipeline(Readable.from(['a', 'bc', 'd']), res, (error) => note(`pipeline ${error?.code}`));
}

function listHeaders({ res }: ProgramContext): unknown {
  const names = Reflect.apply(Reflect.get(res, 'getRawHeaderNames'), res, []);
  return [res.getHeaders(), res.getHeaderNames(), names, res.hasHeader('x-a'), res.getHeader('X-A')];
}

/** Sends interim responses before the head only: later, node would write them into the content. Skips corked ones. */
function sendInterims({ req, res, note }: ProgramContext): string {
  if (res.headersSent || res.writableCorked > 0 || req.httpVersion === '1.0') return 'too late';
  res.writeProcessing();
  res.writeEarlyHints({ link: '</a.css>; rel=preload', 'x-hint': '1' }, () => note('hinted'));
  return 'sent';
}
