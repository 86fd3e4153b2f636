/**
 * A CGI program whose application is that of another process: the folder of the compiled package, and the unix socket of a FastCGI
 * responder. It is JavaScript, because a loader would take most of the time of each request.
 */
const [, , folder = '', path = ''] = process.argv;

const { runCgi } = await import(`${folder}/dist/bridges/cgi/index.js`);
const { fromFastCgi } = await import(`${folder}/dist/bridges/fastcgi/index.js`);
await runCgi(fromFastCgi({ path, authorization: true }));
