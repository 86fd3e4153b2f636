/** The cases of the rules that an application obeys with write and its body. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type BodyRuleOf,
  begin,
  GENERATED,
  refilling,
  refillingArray,
  STREAMED,
  sized,
  taking,
  three,
  writing,
} from './body-kit.ts';
import { answer, app, byApplication, octets, type RuleCase, TEXT } from './kit.ts';

const applications = byApplication('the application makes the content');

export const CONTENT_CASES: Readonly<Record<BodyRuleOf<'application'>, RuleCase>> = {
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
    servers: 'the application makes the content',
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
};
