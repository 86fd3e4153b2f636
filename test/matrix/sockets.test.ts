/** The matrix, all hosts but runCgi. */
import { cgi } from './hosts/cgi.ts';
import { HOSTS } from './hosts/index.ts';
import { testHosts } from './test-hosts.ts';

testHosts(HOSTS.filter((host) => host !== cgi));
