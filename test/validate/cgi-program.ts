/** A CGI program that runs the application named by its arguments, with the validator around it. */
import { runCgi } from '../../bridges/cgi/index.ts';
import { validate } from '../../src/validate/index.ts';

const [, , module = '', name = '', iis] = process.argv;

const exported: Readonly<Record<string, Parameters<typeof runCgi>[0]>> = await import(module);
const application = exported[name];
if (application === undefined) throw new Error(`No application ${name} in ${module}`);
await runCgi(validate(application, { reuseMemory: true, onWarning: () => {} }), { iis: iis === 'true' });
