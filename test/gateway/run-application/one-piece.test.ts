/** The sink gets one piece at a time: not the next before the promise for the last has settled. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { READY } from '../../../src/gateway/body-reader.ts';
import type { Body, StartResponse, Write } from '../../../src/wsgi.ts';
import { RecordingSink, record } from '../../support/recording-sink.ts';

/** Takes a turn of the event loop, or more, for each piece, and counts calls that come too early. */
class SlowSink extends RecordingSink {
  overlaps = 0;
  #isBusy = false;

  override write(chunk: Uint8Array): Promise<void> {
    void super.write(chunk);
    return this.#take();
  }

  override end(lastChunk?: Uint8Array): Promise<void> {
    void super.end(lastChunk);
    return this.#take();
  }

  async #take(): Promise<void> {
    if (this.#isBusy) this.overlaps += 1;
    this.#isBusy = true;
    await turn();
    await turn();
    this.#isBusy = false;
  }
}

type Application = (write: Write) => Body | Promise<Body>;

const applications: Readonly<Record<string, Application>> = {
  'writes, and returns an array': (write) => {
    void write('a');
    void write('b');
    return ['c', 'd'];
  },
  'writes in an async function': async (write) => {
    await write('a');
    void write('b');
    return ['c', 'd'];
  },
  'writes before and between yields': function* (write) {
    void write('a');
    yield 'b';
    void write('c');
    yield 'd';
  },
  'writes before and between asynchronous yields': async function* (write) {
    void write('a');
    yield 'b';
    await turn();
    void write('c');
    yield 'd';
  },
  'writes and ends': function* (write) {
    yield 'a';
    void write('b');
    void write('c');
    void write('d');
  },
  'writes while a yielded chunk is on its way': async function* (write) {
    yield 'a';
    setImmediate(() => void write('c'));
    yield 'b';
    await turn();
    await turn();
    yield 'd';
  },
  'writes while a wrapped program is read': (write) => {
    const steps = ['a', 'b', 'd'].map((value) => ({ done: false, value }));
    const ready = (): unknown => {
      if (steps.length === 2) setImmediate(() => void write('c'));
      return steps.shift() ?? { done: true };
    };
    // The types know no such body.
    return { [Symbol.asyncIterator]: () => ({ [READY]: ready, next: ready }) } as never;
  },
};

it.each(Object.entries(applications))(
  'waits for the sink when an application %s',
  async (_name, application) => {
    const sink = new SlowSink();
    const { log, done } = record(
      (_environ: unknown, startResponse: StartResponse) => application(startResponse('200 OK', [])),
      {},
      { sink },
    );
    await done;
    expect(log).toEqual([]);
    expect(sink.content.split('').sort().join('')).toBe('abcd');
    expect(sink.content[0]).toBe('a');
    expect(sink.overlaps).toBe(0);
  },
);
