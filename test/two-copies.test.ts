/** Two copies of the package in one process, as when two dependencies bring one each: real instances of its modules. */
import { createServer as createServerOfNode } from 'node:http';
import { expect, it } from 'vitest';
import { toNode } from '../bridges/node/index.ts';
import * as first from '../src/errors.ts';
import type { ApplicationFunction } from '../src/wsgi.ts';
import { createLog, listen } from './bridges/site.ts';

// TypeScript knows no query; the loader of the tests makes another instance of the module for it.
const OTHER = '../src/errors.ts?copy';
const other = (await import(OTHER)) as typeof first;

it('are different', () => {
  expect(other.ProtocolError).not.toBe(first.ProtocolError);
  expect(new other.ProtocolError('WSGI_ERR_CONTENT_MALFORMED')).not.toBeInstanceOf(first.ProtocolError);
});

it('recognise errors of each other', () => {
  for (const [made, asked] of [
    [first, other],
    [other, first],
  ] as const) {
    expect(asked.isProtocolError(new made.ProtocolError('WSGI_ERR_CONTENT_MALFORMED'))).toBe(true);
    expect(asked.isDisconnection(made.disconnection('request'))).toBe(true);
    expect(asked.isCutByProgram(made.cutByProgram())).toBe(true);
    expect(asked.isCutByProgram(made.disconnection('request'))).toBe(false);
    for (const error of [
      new made.ApplicationError('WSGI_ERR_BODY_INVALID'),
      new Error('none'),
      null,
      undefined,
      1,
    ]) {
      expect(asked.isProtocolError(error)).toBe(false);
      expect(asked.isDisconnection(error)).toBe(false);
    }
  }
});

it('answer with the status of the other, without a log', async () => {
  const log = createLog();
  const codes = { '/400': 'WSGI_ERR_CONTENT_MALFORMED', '/413': 'WSGI_ERR_CONTENT_TOO_LARGE' } as const;
  const application: ApplicationFunction = async ({ PATH_INFO }) => {
    throw new other.ProtocolError(codes[PATH_INFO === '/400' ? '/400' : '/413']);
  };
  const site = await listen(createServerOfNode(toNode(application, { environ: log.environ })));
  for (const target of ['/400', '/413'])
    expect((await site.fetch({ target, method: 'POST' })).statusCode).toBe(Number(target.slice(1)));
  expect(log.text).toBe('');
});
