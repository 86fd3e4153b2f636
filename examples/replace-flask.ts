/**
 * An Express service that takes over a Flask application, one route at a time. Both know the same session: Flask signs it, Express reads it.
 *
 *     npx tsx examples/replace-flask.ts
 *     curl -L -c jar -d name=Ada http://127.0.0.1:8124/login && curl -b jar http://127.0.0.1:8124/orders
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import express from 'express';
import { toExpress } from 'gatebridge/express';
import { fromPython } from 'gatebridge/python';
import { printUrl } from './print-url.ts';

const { PORT = '8124', SECRET = 'for examples only' } = process.env;

/** Reads Flask's cookie: `payload.time.signature`, with a dot in front of a payload that is compressed. */
function readSession(cookies = ''): { readonly name?: string } {
  const [, signed = '', signature = ''] = /(?:^|; )session=([^;]+)\.([^;.]+)/.exec(cookies) ?? [];
  const key = createHmac('sha1', SECRET).update('cookie-session').digest();
  const expected = createHmac('sha1', key).update(signed).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return {};
  const [payload = ''] = signed.replace(/^\./, '').split('.');
  const octets = Buffer.from(payload, 'base64url');
  return JSON.parse(String(signed.startsWith('.') ? inflateSync(octets) : octets));
}

const app = express();
// Taken over. The route that Flask still has for it is not reached any more.
app.get('/profile', (request, response) => {
  response.send(`Express knows ${readSession(request.headers.cookie).name}\n`);
});
// The rest is Flask's. When the last route is taken over, this line goes.
app.use(
  toExpress(fromPython({ application: 'flask_site:app', folder: import.meta.dirname, env: { SECRET } })),
);

const server = app.listen(Number(PORT), '127.0.0.1', () => printUrl(server));
