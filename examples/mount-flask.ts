/**
 * A Flask application inside Express. It makes its URLs below the mount, and gets the user whom Express has authenticated.
 *
 *     apt install python3-flask
 *     npx tsx examples/mount-flask.ts
 *     curl http://127.0.0.1:8124/flask/?user=Ada
 */
import express, { type Request } from 'express';
import { toExpress } from 'gatebridge/express';
import { fromPython } from 'gatebridge/python';
import { printUrl } from './print-url.ts';

const flask = fromPython({
  application: 'flask_site:app',
  folder: import.meta.dirname,
  environ: (environ) => {
    // Express gives its own request; a real service would look at request.user.
    const request = environ['express.req'] as Request;
    return { REMOTE_USER: request.query.user };
  },
});

const app = express();
app.get('/', (_request, response) => {
  response.send('Express answers here, Flask at /flask/\n');
});
app.use('/flask', toExpress(flask));

const { PORT = '8124' } = process.env;
const server = app.listen(Number(PORT), '127.0.0.1', () => printUrl(server));
