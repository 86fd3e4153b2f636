/** The client of gatebridge/testing, which runs an application without a socket and under the validator. */
import { createClient, MemoryErrors } from '../../../src/testing/index.ts';
import type { Host } from '../matrix.ts';

/** The client. */
export const testClient: Host = {
  name: 'test client',
  expression: 'createClient(app)',
  reached: 'calls in the same process, under the validator',
  isForTests: true,
  async start({ application }) {
    const errors = new MemoryErrors();
    const client = createClient(application, { errors, cookies: false });
    return {
      async send({ method = 'GET', path, fields = {}, content }) {
        const body = content === undefined ? {} : { content };
        const response = await client.request(method, path, { headers: fields, ...body });
        return {
          status: response.statusCode,
          fields: [...response.headers].map(([name, value]) => [name.toLowerCase(), value]),
          content: response.body,
          leave: () => response.abort(),
        };
      },
      log: () => errors.text,
      close: () => client.close(),
    };
  },
};
