/**
 * Middleware of your own: Basic authentication (RFC 7617). A wrong password takes as long as a right one.
 *
 *     npx tsx examples/basic-auth.ts
 *     curl -u ada:lovelace http://127.0.0.1:8124/
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Application, decodeNative, encodeNative, toApplication } from 'gatebridge';
import type { Middleware } from 'gatebridge/middleware';
import { serve } from 'gatebridge/server';

/** Calls the inner application, with the user as REMOTE_USER, if `check` accepts the password. */
function basicAuth(check: (user: string, password: string) => boolean): Middleware {
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      const [, encoded = ''] = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(environ.HTTP_AUTHORIZATION ?? '') ?? [];
      const [user = '', ...rest] = Buffer.from(encoded, 'base64').toString().split(':');
      if (check(user, rest.join(':')))
        return inner({ ...environ, AUTH_TYPE: 'Basic', REMOTE_USER: encodeNative(user) }, startResponse);
      startResponse('401 Unauthorized', [['WWW-Authenticate', 'Basic realm="site", charset="UTF-8"']]);
      return [];
    };
  };
}

/** `timingSafeEqual` takes values of one length only. Where passwords are stored, use `scrypt` with a salt. */
const digest = (text: string) => createHash('sha256').update(text).digest();
const passwords = new Map([['ada', digest('lovelace')]]);
const nobody = randomBytes(32);
const check = (user: string, password: string) =>
  timingSafeEqual(digest(password), passwords.get(user) ?? nobody);

const hello: Application = (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  return [Buffer.from(`Hello, ${decodeNative(String(environ.REMOTE_USER))}!\n`)];
};

console.log((await serve(basicAuth(check)(hello), { port: process.env.PORT })).url);
