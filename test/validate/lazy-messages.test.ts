/** The validator formats a message only for a finding. */
import { inspect } from 'node:util';
import { expect, it, vi } from 'vitest';
import { buildEnviron, runApp } from '../../src/testing/index.ts';
import { validate } from '../../src/validate/index.ts';

it('formats no message when nothing is wrong', async () => {
  let looks = 0;
  const look = (): string => {
    looks += 1;
    return '';
  };
  const watched = { [inspect.custom]: look, toString: look, toJSON: look };
  const application = validate((_environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    return [Buffer.from('x')];
  });
  const environ = { ...buildEnviron('/'), 'my.object': watched };
  const stringify = vi.spyOn(JSON, 'stringify');
  try {
    const { body } = await runApp(application, environ);
    expect(await body.text()).toBe('x');
    expect([looks, stringify.mock.calls]).toEqual([0, []]);
  } finally {
    stringify.mockRestore();
  }
});
