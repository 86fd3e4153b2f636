/** Frames that RFC 9113 forbids, or tells to ignore, sent one by one; and frames at random. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { hello } from '../support.ts';
import {
  ACK,
  block,
  CODE,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  headers,
  request,
  reset,
  settings,
  TYPE,
  uint32,
  windowUpdate,
} from './frames.ts';
import { fetchHttp2, startForAll } from './support.ts';

const running = startForAll(
  async (environ, startResponse) => {
    await environ['wsgi.input'].read();
    return hello(environ, startResponse);
  },
  { writeTimeout: 500, keepAliveTimeout: 500, headersTimeout: 2_000, streamResetBurst: 100_000 },
);

const open = (streamId: number): Buffer => headers(streamId, request('/', [], 'POST'), false);

describe('a connection error', () => {
  const { PROTOCOL_ERROR, FRAME_SIZE_ERROR, FLOW_CONTROL_ERROR, COMPRESSION_ERROR } = CODE;
  const cases: [name: string, frames: Buffer[], ...codes: number[]][] = [
    ['a frame that is too large (§4.2)', [open(1), data(1, Buffer.alloc(20_000))], FRAME_SIZE_ERROR],
    [
      'a field block that cannot be decoded (§4.3)',
      [frame(TYPE.HEADERS, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), { flags: 5, streamId: 1 })],
      COMPRESSION_ERROR,
    ],
    ['DATA on an idle stream (§5.1)', [data(1, 'x')], PROTOCOL_ERROR],
    ['RST_STREAM on an idle stream (§5.1)', [reset(1)], PROTOCOL_ERROR],
    ['WINDOW_UPDATE on an idle stream (§5.1)', [windowUpdate(1, 1)], PROTOCOL_ERROR],
    ['a stream of an even number (§5.1.1)', [headers(2)], PROTOCOL_ERROR],
    ['DATA on stream 0 (§6.1)', [data(0, 'x')], PROTOCOL_ERROR],
    [
      'more padding than a frame has (§6.1)',
      [open(1), frame(TYPE.DATA, '\xff', { flags: 8, streamId: 1 })],
      PROTOCOL_ERROR,
    ],
    ['HEADERS on stream 0 (§6.2)', [headers(0)], PROTOCOL_ERROR],
    [
      'RST_STREAM of another length (§6.4)',
      [open(1), frame(TYPE.RST_STREAM, 'x', { streamId: 1 })],
      FRAME_SIZE_ERROR,
    ],
    ['SETTINGS on a stream (§6.5)', [frame(TYPE.SETTINGS, '', { streamId: 1 })], PROTOCOL_ERROR],
    [
      'an acknowledgement with settings (§6.5)',
      [frame(TYPE.SETTINGS, '123456', { flags: ACK })],
      FRAME_SIZE_ERROR,
    ],
    ['SETTINGS of another length (§6.5)', [frame(TYPE.SETTINGS, '12345')], FRAME_SIZE_ERROR],
    ['a value of ENABLE_PUSH (§6.5.2)', [settings([2, 2])], PROTOCOL_ERROR],
    ['a window that is too large (§6.5.2)', [settings([4, 0x80000000])], FLOW_CONTROL_ERROR],
    ['a frame size that is too small (§6.5.2)', [settings([5, 1])], PROTOCOL_ERROR],
    [
      'PUSH_PROMISE of a client (§8.4)',
      [open(1), frame(TYPE.PUSH_PROMISE, uint32(2), { flags: 4, streamId: 1 })],
      PROTOCOL_ERROR,
    ],
    ['PING on a stream (§6.7)', [frame(TYPE.PING, '12345678', { streamId: 1 })], PROTOCOL_ERROR],
    ['PING of another length (§6.7)', [frame(TYPE.PING, '1234')], FRAME_SIZE_ERROR],
    ['GOAWAY on a stream (§6.8)', [frame(TYPE.GOAWAY, Buffer.alloc(8), { streamId: 1 })], PROTOCOL_ERROR],
    ['WINDOW_UPDATE of nothing for the connection (§6.9)', [windowUpdate(0, 0)], PROTOCOL_ERROR],
    ['WINDOW_UPDATE of another length (§6.9)', [frame(TYPE.WINDOW_UPDATE, 'x')], FRAME_SIZE_ERROR],
    ['a window of the connection that overflows (§6.9.1)', [windowUpdate(0, 0x7fffffff)], FLOW_CONTROL_ERROR],
    [
      'CONTINUATION without HEADERS (§6.10)',
      [frame(TYPE.CONTINUATION, '', { flags: 4, streamId: 1 })],
      PROTOCOL_ERROR,
    ],
    [
      'another frame within a field section (§6.10)',
      [
        frame(TYPE.HEADERS, block(request()), { flags: END_STREAM, streamId: 1 }),
        frame(TYPE.PING, '12345678'),
      ],
      PROTOCOL_ERROR,
    ],
  ];
  it.each(cases)('is %s', async (_name, frames, ...codes) => {
    const client = running.frames().begin(...frames);
    // node:http2 says INTERNAL_ERROR for faults that it tells listeners of `sessionError` (Node 20 to 26).
    expect([...codes, CODE.INTERNAL_ERROR]).toContain(await client.goaway());
    // Closed, at the latest by the time-outs, and nobody else notices.
    expect((await fetchHttp2(running.session())).status).toBe(200);
    client.destroy();
  });
});

describe('a stream error', () => {
  const { PROTOCOL_ERROR } = CODE;
  const cases: [name: string, frames: Buffer[], code: number][] = [
    ['a malformed trailer section (§8.1)', [open(1), headers(1, [[':path', '/']])], PROTOCOL_ERROR],
    [
      'a trailer section that is not the end (§8.1)',
      [open(1), headers(1, [['x-a', '1']], false)],
      PROTOCOL_ERROR,
    ],
  ];
  it.each(cases)('is %s', async (_name, frames, code) => {
    const client = running.frames().begin(...frames);
    expect(await client.end(1)).toBe(code);
    client.send(headers(3));
    expect(await client.end(3)).toBe('whole');
    client.destroy();
  });
});

describe('what must be ignored or answered', () => {
  const cases: [name: string, frames: Buffer[]][] = [
    ['frames of unknown types (§4.1)', [frame(0xfa, 'whatever'), frame(0x10, 'x', { streamId: 1 })]],
    ['unknown flags and a reserved bit (§4.1)', [frame(TYPE.PING, '12345678', { flags: 0xf0 })]],
    ['unknown settings (§6.5.2)', [settings([0xfafa, 1])]],
    ['PRIORITY of any stream (§5.3.2)', [frame(TYPE.PRIORITY, Buffer.alloc(5, 1), { streamId: 99 })]],
    [
      'WINDOW_UPDATE and RST_STREAM right after the end of a stream (§5.1)',
      [headers(9), windowUpdate(9, 1), reset(9)],
    ],
  ];
  it.each(cases)('%s', async (_name, frames) => {
    const client = running.frames().begin(...frames, headers(11));
    expect(await client.end(11)).toBe('whole');
    client.destroy();
  });

  it('PING, by the same octets (§6.7)', async () => {
    const client = running.frames().begin(frame(TYPE.PING, 'abcdefgh'));
    await expect
      .poll(() => client.frames.find(({ type, flags }) => type === TYPE.PING && flags === ACK)?.payload)
      .toEqual(Buffer.from('abcdefgh'));
    client.destroy();
  });

  it('padding and priority in HEADERS and DATA (§6.1, §6.2)', async () => {
    const padded = Buffer.concat([
      Buffer.from([3]),
      Buffer.alloc(5),
      block(request('/', [], 'POST')),
      Buffer.alloc(3),
    ]);
    const flags = END_HEADERS | 8 | 32;
    const client = running.frames().begin(frame(TYPE.HEADERS, padded, { flags, streamId: 1 }));
    client.send(frame(TYPE.DATA, Buffer.from([2, 65, 0, 0]), { flags: 8 | END_STREAM, streamId: 1 }));
    expect(await client.end(1)).toBe('whole');
    client.destroy();
  });
});

it('frames at random end no more than their own connection, and leave nothing', async () => {
  let seed = 20_261_130;
  const random = (limit: number): number => {
    // A linear congruential generator: the same frames in each run.
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * limit);
  };
  const anyFrame = (): Buffer => {
    const streamId = random(10);
    switch (random(8)) {
      case 0:
        return headers(2 * random(20) + 1);
      case 1:
        return open(2 * random(20) + 1);
      case 2:
        return data(streamId, Buffer.alloc(random(300), random(256)), random(2) === 0);
      case 3:
        return reset(streamId, random(14));
      case 4:
        return windowUpdate(streamId, random(0x7fffffff));
      case 5:
        return settings([random(8), random(0x7fffffff)]);
      default: {
        const payload = Buffer.from(Array.from({ length: random(40) }, () => random(256)));
        return frame(random(12), payload, { flags: random(256), streamId });
      }
    }
  };
  for (let round = 0; round < 20; round += 1) {
    const clients = Array.from({ length: 10 }, () => {
      const frames = Array.from({ length: 1 + random(20) }, anyFrame);
      return running.frames().begin(...(random(2) === 0 ? [headers(1)] : []), ...frames);
    });
    await delay(20);
    for (const client of clients) client.destroy();
  }
  expect((await fetchHttp2(running.session())).status).toBe(200);
  await expect.poll(() => running.server.metrics().requests.inFlight, { timeout: 8_000 }).toBe(0);
  await expect.poll(() => running.server.metrics().connections.open, { timeout: 8_000 }).toBeLessThan(3);
});
