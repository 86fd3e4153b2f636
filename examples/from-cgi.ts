/**
 * A CGI program inside Express, which tells it who has logged in. Here it is a shell script; it may be any program.
 *
 *     npx tsx examples/from-cgi.ts
 *     curl --user ada: --data 'some text' http://127.0.0.1:8124/old/page
 */
import express from 'express';
import type { Environ } from 'gatebridge';
import { fromCgi } from 'gatebridge/cgi';
import { toExpress } from 'gatebridge/express';
import { printUrl } from './print-url.ts';

const SCRIPT = `
printf 'Content-Type: text/plain\\n\\n'
printf '%s asks for %s below %s and sends ' "\${REMOTE_USER:-somebody}" "$PATH_INFO" "$SCRIPT_NAME"
wc -c`;

const old = fromCgi(['/bin/sh', '-c', SCRIPT]);

// Express has put it there.
const userOf = (environ: Environ) => (environ['express.res'] as express.Response).locals.user;

const app = express();
app.use((request, response, next) => {
  const [, credentials = ''] = request.get('Authorization')?.split(' ') ?? [];
  const [user] = Buffer.from(credentials, 'base64').toString().split(':');
  // Stands for your own middleware, which checks a password.
  response.locals.user = user || undefined;
  next();
});
app.use('/old', toExpress(old, { environ: (environ) => ({ REMOTE_USER: userOf(environ) }) }));

const { PORT = '8124' } = process.env;
const server = app.listen(Number(PORT), '127.0.0.1', () => printUrl(server));
