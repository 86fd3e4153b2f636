import { describe, expect, it } from 'vitest';
import { requestId } from '../../src/middleware/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { askInProcess, EVERYWHERE } from './kit.ts';

const echo: Application = (environ, startResponse) => {
  startResponse('200 OK', [['X-Request-Id', 'of the application']]);
  return [`${environ['gateway.request_id']} ${environ.HTTP_X_REQUEST_ID}`];
};
const UUID = /^[0-9a-f-]{36}$/;

describe('requestId', () => {
  it.each(EVERYWHERE)('names the response of %s, %s', async (_form, _host, application, ask) => {
    const answer = await ask(requestId()(application));
    expect(answer.headers.getAll('X-Request-Id')).toEqual([expect.stringMatching(UUID)]);
    expect(answer.text).toBe('Hello world');
  });

  it('is one id everywhere, and another one for each request', async () => {
    const site = requestId()(echo);
    const [one, two] = [await askInProcess(site), await askInProcess(site)];
    const id = one.headers.get('X-Request-Id');
    expect(one.text).toBe(`${id} ${id}`);
    expect(two.headers.get('X-Request-Id')).not.toBe(id);
  });

  it.each([
    [false, 'abc', UUID],
    [true, 'abc-1.2_3~+/=:@', /^abc-1\.2_3~\+\/=:@$/],
    [true, 'a b', UUID],
    [true, 'a"b', UUID],
    [true, 'a\xe9', UUID],
    [true, 'a, b', UUID],
    [true, '', UUID],
    [true, 'a'.repeat(129), UUID],
  ])('trust %s: the client sends %s', async (trust, value, id) => {
    const answer = await askInProcess(requestId({ trust })(echo), { headers: [['X-Request-Id', value]] });
    expect(answer.headers.get('X-Request-Id')).toMatch(id);
    expect(answer.text.split(' ')[1]).toMatch(id);
  });

  it('has another field and another source', async () => {
    const site = requestId({ header: 'X-Trace', generate: ({ PATH_INFO }) => `t${PATH_INFO}` })(echo);
    const answer = await askInProcess(site, { path: '/x' });
    expect(answer.headers.get('X-Trace')).toBe('t/x');
  });

  it('fails with an id that could break a log', async () => {
    const answer = await askInProcess(requestId({ generate: () => 'a\nb' })(echo));
    expect(answer.status).toBe('500 Internal Server Error');
    expect(() => requestId({ header: 'a b' })).toThrow('Option header must be the name of a field');
  });
});
