/**
 * The native half of the runtime client, which speaks to the Runtime API, in JavaScript: it takes minutes to build. Loaded
 * before the client, by --require.
 */
const { request } = require('node:http');
const Module = require('node:module');

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const FOLDER = '/2018-06-01/runtime/invocation';
/** What is posted arrives before the next event is asked for. */
let posted = Promise.resolve();

function send(method, path, body) {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host, port, method, path: `${FOLDER}${path}` }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece) => {
        text += piece;
      });
      response.on('end', () => resolve({ bodyJson: text, headers: response.headers }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const client = {
  initializeClient() {},
  next: () => posted.then(() => send('GET', '/next')),
  done(id, body) {
    posted = send('POST', `/${id}/response`, body);
  },
  error(id, body) {
    posted = send('POST', `/${id}/error`, body);
  },
};

const load = Module._extensions['.node'];
Module._extensions['.node'] = (module, path) => {
  if (path.endsWith('rapid-client.node')) module.exports = client;
  else load(module, path);
};
