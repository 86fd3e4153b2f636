/** Values that are a little different from what is usual. */
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { disconnection } from '../../../src/errors.ts';
import { FileWrapper } from '../../../src/gateway/file-wrapper.ts';
import { encodeNative } from '../../../src/index.ts';
import type { Body, Environ, StartResponse, Write } from '../../../src/wsgi.ts';
import { record } from '../../support/recording-sink.ts';
import { answering } from './applications.ts';

describe('runApplication, given small deviations', () => {
  it('ends at a done that is true in a condition', async () => {
    for (const done of [1, 'yes', {}]) {
      const steps = [{ value: 'x' }, { done, value: 'y' }];
      const body = { [Symbol.iterator]: () => ({ next: () => steps.shift() }) };
      const { sink, done: over } = record(answering(body));
      await over;
      expect(sink.content).toBe('x');
    }
  });

  it('takes octets of another realm', async () => {
    const context = createContext();
    const foreign = runInContext('new Uint8Array([104, 105])', context) as Uint8Array;
    expect(foreign).not.toBeInstanceOf(Uint8Array);
    expect(record(answering([foreign])).sink.content).toBe('hi');
    const { sink, done } = record((_environ: Environ, startResponse: StartResponse) => {
      void startResponse('200 OK', [])(foreign);
      return runInContext('[new Uint8Array([33])]', context) as Body;
    });
    await done;
    expect(sink.content).toBe('hi!');
    // Other arrays of numbers are no octets.
    const wrong = record(answering([runInContext('new Uint16Array([1])', context)]));
    expect(wrong.sink.head?.statusCode).toBe(500);
  });

  it('does not log what the signal has aborted with an error of another realm', async () => {
    const foreign = runInContext('(cause) => new Error("aborted", { cause })', createContext());
    const { sink, log, done } = record((environ) => {
      const signal = environ['gateway.signal']?.();
      return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(foreign(signal.reason)));
      });
    });
    sink.disconnect(disconnection('response'));
    await done;
    await new Promise(setImmediate);
    expect(log).toEqual([]);
  });

  it('refuses text with half a character', () => {
    const { sink, log } = record(answering(['a\ud83d']));
    expect(sink.head?.statusCode).toBe(500);
    expect(log[0]).toContain('lone surrogate');
    expect(record(answering(['a\ud83d\ude00'])).sink.content).toBe('a😀');
    expect(() => encodeNative('\ude00')).toThrow(RangeError);
  });

  it('keeps the error that comes after the end as a cause', async () => {
    let startResponse: StartResponse = () => async () => {};
    await record((_environ: Environ, given: StartResponse) => {
      startResponse = given;
      given('200 OK', []);
      return ['x'];
    }).done;
    const cause = new Error('too late');
    expect(() => startResponse('500 Late', [], cause)).toThrow(
      expect.objectContaining({ code: 'WSGI_ERR_START_RESPONSE_LATE', cause }),
    );
  });

  it('says that a 205 has no content', async () => {
    const reset = (body: (write: Write) => Body) => (_environ: Environ, startResponse: StartResponse) =>
      body(startResponse('205 Reset Content', []));
    expect(record(reset(() => ['x'])).log[0]).toMatch(/CONTENT_FORBIDDEN.*205/);
    let rejection: unknown;
    const written = record(
      reset((write) => {
        write('x').catch((error: unknown) => {
          rejection = error;
        });
        return [];
      }),
    );
    await written.done;
    expect(rejection).toMatchObject({ code: 'WSGI_ERR_CONTENT_FORBIDDEN' });
  });
});

describe('runApplication, given a file', () => {
  const blocks = (): { read(): Uint8Array | null } => {
    const rest = ['0123456789', 'abcdefghij'];
    return {
      read() {
        const block = rest.shift();
        return block === undefined ? null : Buffer.from(block);
      },
    };
  };

  it.each([5, 10, 15])('stops at a Content-Length of %d without a word', async (length) => {
    const { sink, log, done } = record(
      answering(new FileWrapper(blocks()), [['Content-Length', String(length)]]),
    );
    await done;
    expect(sink.content).toBe('0123456789abcdefghij'.slice(0, length));
    expect(sink.events.at(-1)?.[0]).toBe('end');
    expect(log).toEqual([]);
  });

  it('still tells of a file that is too short', async () => {
    const { sink, log, done } = record(answering(new FileWrapper(blocks()), [['Content-Length', '21']]));
    await done;
    expect(sink.events.at(-1)?.[0]).toBe('abort');
    expect(log[0]).toContain('CONTENT_LENGTH_SHORT');
  });
});
