import { describe, expect, it } from 'vitest';
import { allowedHosts } from '../../src/middleware/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { APPLICATIONS, askInProcess, EVERYWHERE } from './kit.ts';

const site = allowedHosts(['example.com', '.example.org', '127.0.0.1', '[::1]', 'port.example:8443'])(
  APPLICATIONS['a function'] as Application,
);

describe('allowedHosts', () => {
  it.each([
    'example.com',
    'EXAMPLE.com',
    'example.com.',
    'example.com:8080',
    'example.com.:80',
    'example.com:',
    'example.org',
    'a.example.org',
    'a.b.example.org:1',
    '127.0.0.1:8124',
    '[::1]',
    '[::1]:8124',
    'port.example:8443',
  ])('allows %s', async (host) => {
    expect((await askInProcess(site, { headers: [['Host', host]] })).status).toBe('200 OK');
  });

  it.each([
    'example.net',
    'www.example.com',
    'example.com.evil.test',
    'badexample.org',
    '.example.org.evil.test',
    'example.com@evil.test',
    'evil.test@example.com',
    'evil.test/example.com',
    'example.com/../evil.test',
    'example.com, evil.test',
    'example.com evil.test',
    'example.com:80:80',
    'example.com:evil',
    'example.com..',
    '[::2]',
    '[::1',
    '::1',
    '[::1].evil.test',
    '*',
    '.',
    ':80',
    'port.example',
    'port.example:443',
    "example.com'",
    'example.com\xe9',
  ])('refuses %s', async (host) => {
    const answer = await askInProcess(site, { headers: [['Host', host]] });
    expect(answer.status).toBe('400 Bad Request');
    expect(answer.text).toBe('Host is not allowed\n');
  });

  it('judges the server name without Host', async () => {
    const ask = (name: string) =>
      askInProcess(site, { environ: { HTTP_HOST: undefined, SERVER_NAME: name } });
    expect((await ask('example.com')).status).toBe('200 OK');
    expect((await ask('evil.test')).status).toBe('400 Bad Request');
  });

  it('lets all hosts in by *, but no nonsense', async () => {
    const open = allowedHosts(['*'])(APPLICATIONS['a function'] as Application);
    expect((await askInProcess(open, { headers: [['Host', 'any.test']] })).status).toBe('200 OK');
    expect((await askInProcess(open, { headers: [['Host', 'a/b']] })).status).toBe('400 Bad Request');
  });

  it.each(EVERYWHERE)('changes nothing of %s, %s', async (_form, _host, application, ask) => {
    expect((await ask(allowedHosts(['localhost'])(application))).text).toBe('Hello world');
    expect((await ask(allowedHosts(['example.com'])(application))).status).toBe('400 Bad Request');
  });

  it('refuses what is no host', () => {
    expect(() => allowedHosts([])).toThrow(RangeError);
    expect(() => allowedHosts('example.com' as never)).toThrow('must be a list');
    for (const bad of ['https://example.com', '*.example.com/', 'bücher.example', '', 'a b'])
      expect(() => allowedHosts([bad])).toThrow('Host must be a name');
  });
});
