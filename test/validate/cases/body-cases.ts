/** The cases of the rules for write and for the body. */
import { setTimeout as pause } from 'node:timers/promises';
import type { BODY_RULES } from '../../../src/validate/body-rules.ts';
import type { Application, Body, HeaderList, Write } from '../../../src/wsgi.ts';
import { answer, app, octets, type RuleCase, type ServerKit, server, TEXT, type Variant } from './kit.ts';

const NO_SERVER = 'the application makes the content';
const NO_APPLICATION = 'the server iterates and closes the body';

function applications(
  ...variants: readonly Variant[]
): RuleCase & { butRight(...right: readonly Variant[]): RuleCase } {
  const rule: RuleCase = { applications: variants, servers: NO_SERVER };
  return { ...rule, butRight: (...right) => ({ ...rule, right }) };
}

function servers(
  ...variants: readonly Variant[]
): RuleCase & { butRight(...right: readonly Variant[]): RuleCase } {
  const rule: RuleCase = { applications: NO_APPLICATION, servers: variants };
  return { ...rule, butRight: (...right) => ({ ...rule, right }) };
}

/** An application that gets `write`, and returns what this gives. */
const writing = (use: (write: Write) => unknown, headers: HeaderList = TEXT): Application => {
  return async (_environ, startResponse) => ((await use(startResponse('200 OK', headers))) ?? []) as Body;
};

const three = (): Uint8Array[] => ['one', 'two', 'three'].map(octets);

/** Bodies of three chunks in the forms that are no array. */
const GENERATED = answer(function* () {
  yield* three();
});

const STREAMED = answer(async function* () {
  yield* three();
});

const CLOSABLE = answer(() => Object.assign(three(), { close: () => undefined }));

const sized = (length: number): HeaderList => [...TEXT, ['Content-Length', String(length)]];

/** A server that gets the body of an application, and does something with it. */
function taking(
  name: string,
  act: (body: Body & AsyncIterable<Uint8Array>, kit: ServerKit) => unknown,
  application: Application,
): Variant {
  return server(
    name,
    async (kit) => {
      // The type of whichever iterator the application has.
      const body = (await kit.call(kit.environ, kit.startResponse)) as Body & AsyncIterable<Uint8Array>;
      await act(body, kit);
    },
    application,
  );
}

async function readAll(body: Body): Promise<void> {
  for await (const chunk of body) String(chunk);
}

const begin = (body: Body): Iterator<unknown> => (body as Iterable<unknown>)[Symbol.iterator]();

/** Fills the memory of its first chunk again before the second one is asked for. */
const refilling: Application = answer(function* () {
  const chunk = octets('one');
  void pause(1).then(() => chunk.fill(0));
  yield chunk;
  yield octets('two');
});

/** Fills the memory of its array again before the response is over. */
const refillingArray: Application = answer(() => {
  const chunk = octets('one');
  void pause(1).then(() => chunk.fill(0));
  return [chunk];
});

export const BODY_CASES: Readonly<Record<keyof typeof BODY_RULES, RuleCase>> = {
  'write-90-after-the-end': applications(
    app('after an array', (_environ, startResponse) => {
      const write = startResponse('200 OK', TEXT);
      void pause(1)
        .then(() => write(octets('late')))
        .catch(() => {});
      return [octets('x')];
    }),
  ),
  'write-92-while-iterating': applications(
    app('in a generator', function* (_environ, startResponse) {
      const write = startResponse('200 OK', TEXT);
      yield octets('one');
      void write(octets('two'));
      yield octets('three');
    }),
  ).butRight(
    app('an empty chunk sends the head', async function* (_environ, startResponse) {
      await startResponse('200 OK', TEXT)(octets(''));
      yield octets('one');
    }),
    app(
      'before the body',
      writing(async (write) => void (await write(octets('one')))),
    ),
    app(
      'before the body, without waiting',
      writing((write) => [octets('two'), void write(octets('one'))].slice(0, 1)),
    ),
  ),
  'write-94-promise': servers(
    server(
      'undefined',
      ({ call, environ }) => call(environ, () => (() => undefined) as never),
      writing((write) => void write(octets('one'))),
    ),
  ),
  'write-95-arguments': applications(
    app(
      'two chunks',
      writing((write) => void Reflect.apply(write, undefined, [octets('a'), octets('b')])),
    ),
  ),
  'body-100-iterable': applications(
    ...[
      'a string',
      Buffer.from('octets'),
      undefined,
      null,
      false,
      5,
      { length: 0 },
      async function* () {},
    ].map((body) =>
      app(
        `${typeof body} ${String(body).slice(0, 20)}`,
        answer(() => body),
      ),
    ),
  ).butRight(
    app('an array', answer(three)),
    app('a generator', GENERATED),
    app('an async generator', STREAMED),
    app(
      'a Set',
      answer(() => new Set(three())),
    ),
    app(
      'a ReadableStream',
      answer(() => new Blob(['text']).stream()),
    ),
  ),
  'body-101-octets': applications(
    app(
      'a number',
      answer(() => [1, 2]),
    ),
    app(
      'null',
      answer(() => [null].values()),
    ),
    app(
      'an ArrayBuffer',
      answer(() => [new ArrayBuffer(3)]),
    ),
    app(
      'a lone surrogate',
      answer(() => ['\ud800']),
    ),
    app(
      'a chunk in a chunk',
      answer(() => [[octets('x')]]),
    ),
    app(
      'a written number',
      writing((write) => void Reflect.apply(write, undefined, [5]).catch(() => {})),
    ),
  ),
  'body-101-strings': applications(
    app(
      'an array',
      answer(() => ['text']),
    ),
    app(
      'a generator',
      answer(() => ['text'].values()),
    ),
    app(
      'written',
      writing((write) => write('text')),
    ),
  ),
  'body-102-start-response-first': applications(
    app('a generator', function* (_environ, startResponse) {
      yield octets('');
      startResponse('200 OK', TEXT);
      yield octets('x');
    }),
    app('an async generator', async function* (_environ, startResponse) {
      yield octets('');
      startResponse('200 OK', TEXT);
      yield octets('x');
    }),
  ).butRight(
    app('in the first step', function* (_environ, startResponse) {
      startResponse('200 OK', TEXT);
      yield octets('x');
    }),
  ),
  'body-114-no-content': applications(
    app(
      '204',
      answer(() => [octets('x')], [], '204 No Content'),
    ),
    app(
      '205',
      answer(() => [octets('x')].values(), [], '205 Reset Content'),
    ),
    app(
      '304',
      answer(() => [octets('x')], [], '304 Not Modified'),
    ),
  ).butRight(
    app(
      'an empty chunk',
      answer(() => [octets('')], [], '204 No Content'),
    ),
  ),
  'body-119-one-at-a-time': servers(
    taking(
      'two at once',
      async (body, kit) => {
        const iterator = body[Symbol.asyncIterator]();
        await Promise.all([iterator.next(), iterator.next()]);
        for (let step = await iterator.next(); !step.done; step = await iterator.next());
        kit.end();
      },
      STREAMED,
    ),
  ).butRight(taking('one after the other', readAll, STREAMED)),
  'body-129-return': servers(
    taking(
      'a generator',
      (body, kit) => {
        begin(body).next();
        kit.end(new Error('left'));
      },
      GENERATED,
    ),
    taking(
      'an async generator',
      async (body, kit) => {
        await body[Symbol.asyncIterator]().next();
        kit.end();
      },
      STREAMED,
    ),
  ).butRight(
    taking('a generator that was not begun', (_body, kit) => kit.end(), GENERATED),
    taking(
      'a loop that breaks',
      async (body, kit) => {
        for await (const chunk of body) if (chunk.length > 0) break;
        kit.end();
      },
      STREAMED,
    ),
  ),
  'body-137-closed': servers(
    taking(
      'after close()',
      (body) => {
        const iterator = begin(body);
        iterator.next();
        body.close?.();
        iterator.next();
      },
      CLOSABLE,
    ),
  ),
  'body-137-iterated-twice': servers(
    taking(
      'a second loop',
      async (body, kit) => {
        await readAll(body);
        await readAll(body);
        kit.end();
      },
      GENERATED,
    ),
  ),
  'body-138-close': servers(
    taking(
      'at the end',
      async (body, kit) => {
        await readAll(body);
        kit.end();
      },
      CLOSABLE,
    ),
    taking('after a failure', (_body, kit) => kit.end(new Error('failed')), CLOSABLE),
  ).butRight(
    taking(
      'closed',
      async (body, kit) => {
        await readAll(body);
        body.close?.();
        kit.end();
      },
      CLOSABLE,
    ),
    app('the gateway', CLOSABLE),
  ),
  'body-138-close-once': servers(
    taking(
      'twice',
      async (body, kit) => {
        await readAll(body);
        body.close?.();
        body.close?.();
        kit.end();
      },
      CLOSABLE,
    ),
  ),
  'body-139-too-long': applications(
    app('an array', answer(three, sized(10))),
    app(
      'a generator',
      answer(() => three().values(), sized(10)),
    ),
    app(
      'written',
      writing((write) => void write(octets('three')).catch(() => {}), sized(3)),
    ),
  ).butRight(
    app('exactly', answer(three, sized(11))),
    app('a part of a file', (environ, startResponse) => {
      startResponse('200 OK', sized(2));
      const blocks = three();
      const read = (): Uint8Array => blocks.shift() ?? octets('');
      return environ['wsgi.file_wrapper']?.({ read }) ?? [];
    }),
  ),
  'body-139-too-short': applications(
    app('an array', answer(three, sized(12))),
    app(
      'a generator',
      answer(() => three().values(), sized(12)),
    ),
    app(
      'nothing',
      answer(() => [], sized(1)),
    ),
  ).butRight(
    app(
      'HEAD',
      answer(() => [], sized(12)),
      { method: 'HEAD' },
    ),
    app(
      '304',
      answer(() => [], [['Content-Length', '12']], '304 Not Modified'),
    ),
    app(
      'written and yielded',
      writing(async (write) => {
        await write(octets('one'));
        return [octets('two')];
      }, sized(6)),
    ),
  ),
  'body-139-head': applications(
    app('an array', answer(three), { method: 'HEAD' }),
    app('a generator', GENERATED, { method: 'HEAD' }),
  ).butRight(
    app(
      'nothing',
      answer(() => []),
      { method: 'HEAD' },
    ),
  ),
  'body-231-memory-kept': {
    applications: [
      taking(
        'a chunk',
        async (body) => {
          const iterator = begin(body);
          iterator.next();
          await pause(5);
          iterator.next();
        },
        refilling,
      ),
      taking(
        'an array',
        async (_body, kit) => {
          await pause(5);
          kit.end();
        },
        refillingArray,
      ),
      app(
        'a written chunk',
        writing((write) => {
          const chunk = octets('one');
          void write(chunk);
          chunk.fill(0);
        }),
      ),
    ],
    servers: NO_SERVER,
    right: [
      app(
        'a generator that fills the same chunk',
        answer(function* () {
          const chunk = octets('one');
          for (const octet of [1, 2, 3]) yield chunk.fill(octet);
        }),
      ),
      app(
        'a chunk that was written and awaited',
        writing(async (write) => {
          const chunk = octets('one');
          await write(chunk);
          await write(chunk.fill(0));
        }),
      ),
      app('an array that is used again after the end', (environ, startResponse) => {
        startResponse('200 OK', TEXT);
        const chunk = octets('one');
        environ['gateway.on_finished']?.(() => chunk.fill(0));
        return [chunk];
      }),
    ],
  },
  'body-231-memory-unchanged': servers(
    taking(
      'masks a chunk',
      async (body) => {
        for await (const chunk of body) (chunk as Uint8Array).fill(0);
      },
      GENERATED,
    ),
    taking(
      'masks an array',
      (body, kit) => {
        for (const chunk of body as Iterable<Uint8Array>) chunk.fill(0);
        kit.end();
      },
      answer(three),
    ),
  ),
  'body-239-return-after-the-end': servers(
    taking(
      'after the end',
      async (body) => {
        const iterator = body[Symbol.asyncIterator]();
        for (let step = await iterator.next(); !step.done; step = await iterator.next());
        await iterator.return?.();
      },
      STREAMED,
    ),
  ),
};
