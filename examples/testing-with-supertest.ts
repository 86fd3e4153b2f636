/**
 * Tests of a gateway application with supertest, over a real socket.
 *
 *     npx tsx examples/testing-with-supertest.ts
 */
import { test } from 'node:test';
import { type Environ, readJson, type StartResponse } from 'gatebridge';
import { createServer } from 'gatebridge/server';
import request from 'supertest';

async function echo(environ: Environ, startResponse: StartResponse) {
  const value = await readJson(environ);
  startResponse('200 OK', [['Content-Type', 'application/json']]);
  return [Buffer.from(JSON.stringify({ echo: value }))];
}

await test('answers with what it was sent', async () => {
  await request(createServer(echo))
    .post('/')
    .send({ name: 'Ada' })
    .expect(200)
    .expect('Content-Type', 'application/json')
    .expect({ echo: { name: 'Ada' } });
});

await test('answers 400 to malformed JSON', async () => {
  await request(createServer(echo)).post('/').type('json').send('{').expect(400);
});
