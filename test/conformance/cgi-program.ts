/** A CGI program that runs the application which its arguments name: module, export, whether the server is an IIS. */
import { runCgi } from '../../bridges/cgi/index.ts';

const [, , module = '', name = '', iis] = process.argv;

const exported: Readonly<Record<string, Parameters<typeof runCgi>[0]>> = await import(module);
const application = exported[name];
if (application === undefined) throw new Error(`No application ${name} in ${module}`);
await runCgi(application, { iis: iis === 'true' });
