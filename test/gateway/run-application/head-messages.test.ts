import { describe, expect, it } from 'vitest';
import type { Application, Body, HeaderList } from '../../../src/index.ts';
import { record } from '../../support/recording-sink.ts';

function messageOf(headers: unknown): string {
  let message = '';
  const application: Application = (_environ, startResponse) => {
    try {
      startResponse('200 OK', headers as HeaderList);
    } catch (error) {
      message = String(error);
      throw error;
    }
    return [];
  };
  record(application);
  return message;
}

describe('the messages about headers', () => {
  it.each([
    [
      'an object',
      { 'Content-Type': 'text/plain' },
      'found an instance of Object; pass Object.entries(headers)',
    ],
    ['a map', new Map(), 'found an instance of Map; pass [...headers]'],
    ['the Headers of fetch', new Headers(), 'found an instance of Headers; pass [...headers]'],
    ['nothing', undefined, 'found undefined'],
    ['a number', [['Content-Length', 5]], 'found ["Content-Length", number]'],
    ['a promise', [['ETag', Promise.resolve('x')]], 'found ["ETag", a promise: await it]'],
    ['text', [['X-Name', '\u010a']], 'X-Name; encodeNative makes such text a header value'],
    ['a hop-by-hop field', [['Connection', 'close']], 'set the option hopByHop to drop: Connection'],
  ])('tell how to correct %s', (_what, headers, message) => {
    expect(messageOf(headers)).toContain(message);
  });
});

describe('the message about a promise as a chunk', () => {
  it('tells to await it', () => {
    const recorded = record((_environ: unknown, startResponse) => {
      startResponse('200 OK', []);
      return [Promise.resolve('x')] as unknown as Body;
    });
    expect(recorded.log.join('\n')).toContain('found a promise: await it');
  });
});
