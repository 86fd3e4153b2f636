/**
 * A CGI program that runs an application: the folder of the compiled package, module, export, `true` behind IIS, `true`
 * under the validator. It is JavaScript, because a loader would take most of the time of each request.
 */
const [, , folder = '', module = '', name = '', iis, isValidated] = process.argv;

const { runCgi } = await import(`${folder}/dist/bridges/cgi/index.js`);
const application = (await import(module))[name];
if (application === undefined) throw new Error(`No application ${name} in ${module}`);
if (isValidated === 'true') {
  const { validate } = await import(`${folder}/dist/src/validate/index.js`);
  await runCgi(validate(application, { reuseMemory: true, onWarning: () => {} }), { iis: iis === 'true' });
} else {
  await runCgi(application, { iis: iis === 'true' });
}
