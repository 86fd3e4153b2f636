/** A CGI program that runs one of the programs: its name, and the peers. hosts/cgi.ts makes JavaScript of it, and starts it. */
import { runCgi } from '../../../bridges/cgi/index.ts';
import { PROGRAMS } from '../programs/index.ts';

const [, , name, peers = ''] = process.argv;
const program = PROGRAMS.find((one) => one.name === name);
if (program === undefined) throw new Error(`No program ${name}`);
const application = await program.create(JSON.parse(peers));
await runCgi(application);
