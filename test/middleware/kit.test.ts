import { describe, expect, it } from 'vitest';
import { FileWrapper } from '../../src/index.ts';
import type { Application, Body } from '../../src/wsgi.ts';
import { askInProcess, HOSTS } from './kit.ts';

const declaring =
  (length: number, body: () => Body): Application =>
  (_environ, startResponse) => {
    startResponse('200 OK', [['Content-Length', String(length)]]);
    return body();
  };

async function* failing() {
  yield 'begun';
  throw new Error('no');
}

describe.each(Object.entries(HOSTS))('asking %s', (_host, ask) => {
  it.each<[string, Application]>([
    ['shorter than declared', declaring(8, () => ['content'])],
    ['a stream shorter than declared', declaring(8, () => new Set(['con', 'tent']))],
    ['broken off', declaring(8, failing)],
  ])('rejects a response that is %s', async (_what, application) => {
    await expect(ask(application)).rejects.toThrow();
  });

  it.each(['HEAD', 'GET'])('takes a response to %s as long as declared', async (method) => {
    const answer = await ask(
      declaring(7, () => ['content']),
      { method },
    );
    expect(answer.headers.get('Content-Length')).toBe('7');
    expect(answer.text).toBe(method === 'GET' ? 'content' : '');
  });
});

it('rejects content that is not as long as the gateway has found', async () => {
  const application: Application = (_environ, startResponse) => {
    startResponse('200 OK', []);
    const blocks = ['begun'].values();
    const read = () => Buffer.from(blocks.next().value ?? '');
    return new FileWrapper({ stat: () => ({ size: 9 }), tell: () => 0, read });
  };
  await expect(askInProcess(application)).rejects.toThrow();
});
