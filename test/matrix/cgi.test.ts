/** The matrix, runCgi: a process for each request. */
import { cgi } from './hosts/cgi.ts';
import { testHosts } from './test-hosts.ts';

testHosts([cgi]);
