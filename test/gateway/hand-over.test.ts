/** gateway.upgrade on a host that records: what is published, and what an application may return. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { accessLog, timeout } from '../../src/middleware/index.ts';
import type { Application, HandedOver } from '../../src/wsgi.ts';
import { RecordingSink, record } from '../support/recording-sink.ts';

/** A host that can hand over. */
class GivingSink extends RecordingSink {
  readonly socket: PassThrough = new PassThrough();

  handOver(): HandedOver {
    return { socket: this.socket, head: new Uint8Array(0) };
  }
}

function run(application: Application) {
  const sink = new GivingSink();
  return { ...record(application, {}, { sink }), socket: sink.socket };
}

const taking: Application = (environ) => {
  environ['gateway.upgrade']?.();
  return [];
};

describe('gateway.upgrade', () => {
  it('is absent on a host that cannot hand over', () => {
    expect('gateway.upgrade' in record(taking).environ).toBe(false);
  });

  it('leaves the sink alone, without a promise for an array', async () => {
    const { sink, done, log, socket } = run(taking);
    await done;
    expect(sink.events).toEqual([]);
    expect(log).toEqual([]);
    expect(socket.destroyed).toBe(false);
  });

  it('ends the iteration of a body that calls it', async () => {
    let hasEnded = false;
    const { sink, done } = run(async function* (environ) {
      try {
        environ['gateway.upgrade']?.();
        yield 'content';
        yield 'never';
      } finally {
        hasEnded = true;
      }
    });
    await done;
    expect(hasEnded).toBe(true);
    expect(sink.events).toEqual([]);
  });

  it('does not abort the signal, and needs a body all the same', async () => {
    let signal: AbortSignal | undefined;
    const { done, log, socket } = run((environ) => {
      signal = environ['gateway.signal']?.();
      environ['gateway.upgrade']?.();
      // Wrong on purpose.
      return undefined as never;
    });
    await done;
    expect(signal?.aborted).toBe(false);
    expect(log.join()).toContain('must return an iterable');
    expect(socket.destroyed).toBe(true);
  });

  it('is published as a request that finishes without a head', async () => {
    const messages: unknown[] = [];
    const note = (message: unknown, name: string | symbol): void => {
      messages.push([name, Object(message).statusCode, Object(message).error]);
    };
    const names = ['start', 'head', 'error', 'finish'].map((name) => `gatebridge.request.${name}`);
    for (const name of names) subscribe(name, note);
    try {
      await run(taking).done;
    } finally {
      for (const name of names) unsubscribe(name, note);
    }
    expect(messages).toEqual([
      ['gatebridge.request.start', undefined, undefined],
      ['gatebridge.request.finish', undefined, undefined],
    ]);
  });

  it('is 101 in the access log', async () => {
    const statuses: number[] = [];
    const log = (_line: string, { status }: { readonly status: number }): void => void statuses.push(status);
    await run(accessLog({ log })(taking)).done;
    expect(statuses).toEqual([101]);
  });

  it('stops the clock of timeout()', async () => {
    const slow: Application = async (environ) => {
      environ['gateway.upgrade']?.();
      await new Promise((resolve) => setTimeout(resolve, 50));
      return [];
    };
    const { done, log, environ } = run(timeout({ response: 10 })(slow));
    let error: unknown = 'not called';
    environ['gateway.on_finished']?.((...values) => {
      error = values[3];
    });
    await done;
    expect(log).toEqual([]);
    expect(error).toBeUndefined();
  });
});
