import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, type HttpLimits } from '../../src/http/limits.ts';
import { createRequestHead, type RequestHead } from '../../src/http/request-head.ts';
import { parseRequestLine } from '../../src/http/request-line.ts';

function create(fields: string[], line = 'GET / HTTP/1.1', limits: Partial<HttpLimits> = {}): RequestHead {
  return createRequestHead(parseRequestLine(line), fields, { ...DEFAULT_LIMITS, ...limits });
}

function refusal(fields: string[], line?: string, limits?: Partial<HttpLimits>): unknown {
  try {
    return create(fields, line, limits);
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
}

describe('createRequestHead()', () => {
  it('makes a complete head', () => {
    const fields = ['HOST', 'a', 'Content-Length', '3', 'Expect', '100-Continue'];
    expect(create(fields, 'POST /x HTTP/1.1')).toEqual({
      method: 'POST',
      target: '/x',
      targetForm: 'origin',
      protocol: 'HTTP/1.1',
      rawHeaders: fields,
      contentLength: 3,
      isChunked: false,
      isPersistent: true,
      connectionNominatesUpgrade: false,
      expectsContinue: true,
      hasUnknownExpectation: false,
    });
  });

  it('recognises chunked content', () => {
    const head = create(['Host', '', 'TRANSFER-encoding', 'Chunked']);
    expect([head.isChunked, head.contentLength]).toEqual([true, -1]);
  });

  it('ignores similar names of the same length', () => {
    const fields = [
      'Host',
      'a',
      'Hosu',
      'b c',
      'Content-Lengtg',
      'x',
      'Transfer-EncodinG_',
      'y',
      'Hast',
      '?',
    ];
    expect(create(fields).contentLength).toBe(0);
  });

  describe('Host', () => {
    it('is required in HTTP/1.1, and optional in HTTP/1.0', () => {
      expect(refusal([])).toBe('WSGI_ERR_HOST_MISSING');
      expect(refusal([], 'GET http://a/ HTTP/1.1')).toBe('WSGI_ERR_HOST_MISSING');
      expect(create([], 'GET / HTTP/1.0').isPersistent).toBe(false);
      expect(create([], 'GET / HTTP/1.1', { requireHostHeader: false }).method).toBe('GET');
    });

    it('must be single and valid in every version and form of target', () => {
      expect(refusal(['Host', 'a', 'host', 'a'])).toBe('WSGI_ERR_FIELD_REPEATED');
      expect(refusal(['Host', 'a', 'host', 'a'], 'GET / HTTP/1.0')).toBe('WSGI_ERR_FIELD_REPEATED');
      expect(refusal(['Host', 'a b'])).toBe('WSGI_ERR_HOST_INVALID');
      expect(refusal(['Host', 'a b'], 'GET http://a/ HTTP/1.0')).toBe('WSGI_ERR_HOST_INVALID');
    });
  });

  describe('CONNECT', () => {
    it('is refused unless it is allowed', () => {
      expect(refusal(['Host', 'a'], 'CONNECT a:1 HTTP/1.1')).toBe('WSGI_ERR_CONNECT_REFUSED');
      expect(create(['Host', 'a'], 'CONNECT a:1 HTTP/1.1', { allowConnect: true }).targetForm).toBe(
        'authority',
      );
    });

    it.each(['Content-Length', 'Transfer-Encoding'])('has no content: %s', (name) => {
      const fields = ['Host', 'a', name, name === 'Content-Length' ? '5' : 'chunked'];
      expect(refusal(fields, 'CONNECT a:1 HTTP/1.1', { allowConnect: true })).toBe(
        'WSGI_ERR_FRAMING_AMBIGUOUS',
      );
    });
  });

  describe('Connection', () => {
    it.each([
      ['HTTP/1.1', [], true],
      ['HTTP/1.1', ['close'], false],
      ['HTTP/1.1', ['keep-alive'], true],
      ['HTTP/1.1', ['Keep-Alive, CLOSE'], false],
      ['HTTP/1.1', ['foo', 'bar, ,close'], false],
      ['HTTP/1.1', ['closed'], true],
      ['HTTP/1.1', [''], true],
      ['HTTP/1.0', [], false],
      ['HTTP/1.0', ['keep-alive'], true],
      ['HTTP/1.0', ['foo,KEEP-ALIVE'], true],
      ['HTTP/1.0', ['keep-alive', 'close'], false],
    ])('%s with %j: persistent %s', (version, values, isPersistent) => {
      const fields = ['Host', 'a', ...values.flatMap((value) => ['Connection', value])];
      expect(create(fields, `GET / ${version}`).isPersistent).toBe(isPersistent);
    });

    it.each([
      'close;',
      'a b',
      '"close"',
      'keep-alive, \xe9',
      'Host',
      'close, content-LENGTH',
      'transfer-encoding',
    ])('refuses %j', (value) => {
      expect(refusal(['Host', 'a', 'Connection', value])).toBe('WSGI_ERR_CONNECTION_INVALID');
    });

    it.each([
      ['HTTP/1.1', ['Connection', 'Upgrade', 'Upgrade', 'websocket'], true],
      ['HTTP/1.1', ['upgrade', 'h2c', 'connection', 'keep-alive, upgrade'], true],
      ['HTTP/1.1', ['Connection', 'Upgrade'], false],
      ['HTTP/1.1', ['Connection', 'Upgrade', 'Upgrade', ''], false],
      ['HTTP/1.1', ['Upgrade', 'websocket'], false],
      ['HTTP/1.1', ['Connection', 'upgraded', 'Upgrade', 'websocket'], false],
      ['HTTP/1.0', ['Connection', 'Upgrade', 'Upgrade', 'websocket'], false],
    ])('%s with %j: nominates an upgrade %s', (version, fields, isNominated) => {
      expect(create(['Host', 'a', ...fields], `GET / ${version}`).connectionNominatesUpgrade).toBe(
        isNominated,
      );
    });
  });

  describe('Expect', () => {
    it.each([
      ['HTTP/1.1', ['100-continue'], true, false],
      ['HTTP/1.1', [', 100-CONTINUE ,'], true, false],
      ['HTTP/1.1', ['100-continue', '100-continue'], true, false],
      ['HTTP/1.1', [''], false, false],
      ['HTTP/1.1', ['y'], false, true],
      ['HTTP/1.1', ['100-continue', 'y'], true, true],
      ['HTTP/1.1', ['y 100-continue'], false, true],
      ['HTTP/1.1', ['100-continue;q=1'], false, true],
      ['HTTP/1.0', ['100-continue'], false, false],
      ['HTTP/1.0', ['y'], false, false],
    ])('%s with %j: 100 %s, unknown %s', (version, values, expectsContinue, hasUnknownExpectation) => {
      const fields = ['Host', 'a', ...values.flatMap((value) => ['Expect', value])];
      expect(create(fields, `POST / ${version}`)).toMatchObject({ expectsContinue, hasUnknownExpectation });
    });
  });
});
