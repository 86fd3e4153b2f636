/**
 * A FastCGI program that takes its socket from who starts it: the folder of the compiled package, the descriptor. It is JavaScript, so that
 * it starts as people start theirs.
 */
const [, , folder = '', descriptor = '0'] = process.argv;

const { serveFastCgi } = await import(`${folder}/dist/bridges/fastcgi/index.js`);

function application(environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from(`${environ.REQUEST_METHOD} ${environ.PATH_INFO}`)];
}

const server = await serveFastCgi(application, { fd: Number(descriptor) });
process.once('SIGTERM', () => server.close());
