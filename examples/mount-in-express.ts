/**
 * A gateway application inside Express, on node's own server. Its mount path becomes SCRIPT_NAME.
 *
 *     npx tsx examples/mount-in-express.ts
 *     curl http://127.0.0.1:8124/gateway/x/y
 */
import express from 'express';
import { type Environ, requestUri, type StartResponse } from 'gatebridge';
import { toExpress } from 'gatebridge/express';
import { printUrl } from './print-url.ts';

function where(environ: Environ, startResponse: StartResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  const { SCRIPT_NAME, PATH_INFO } = environ;
  return [
    Buffer.from(`mounted at '${SCRIPT_NAME}', asked for '${PATH_INFO}', in full ${requestUri(environ)}\n`),
  ];
}

const app = express();
app.get('/', (_request, response) => {
  response.send('Express answers here, the gateway application at /gateway\n');
});
app.use('/gateway', toExpress(where));

const { PORT = '8124' } = process.env;
const server = app.listen(Number(PORT), '127.0.0.1', () => printUrl(server));
