/** PHP behind nginx, as in the documentation of nginx: a connection to php-fpm for each request. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { family, findPort, runBeside, untilAnswered } from './beside.ts';
import { type Contender, listeningAt } from './contender.ts';
import { startPhpFpm } from './php-fpm.ts';

let pids: () => readonly number[] = () => [];

/** The lines of Debian's fastcgi_params. */
const PARAMS = [
  ...['QUERY_STRING $query_string', 'REQUEST_METHOD $request_method', 'CONTENT_TYPE $content_type'],
  ...['CONTENT_LENGTH $content_length', 'SCRIPT_NAME $fastcgi_script_name', 'REQUEST_URI $request_uri'],
  ...['DOCUMENT_URI $document_uri', 'DOCUMENT_ROOT $document_root', 'SERVER_PROTOCOL $server_protocol'],
  ...['REQUEST_SCHEME $scheme', 'HTTPS $https if_not_empty', 'GATEWAY_INTERFACE CGI/1.1'],
  ...['SERVER_SOFTWARE nginx', 'REMOTE_ADDR $remote_addr', 'REMOTE_PORT $remote_port'],
  ...[
    'SERVER_ADDR $server_addr',
    'SERVER_PORT $server_port',
    'SERVER_NAME $server_name',
    'REDIRECT_STATUS 200',
  ],
];

export const contender: Contender = {
  pids: () => pids(),
  async listen() {
    const php = await startPhpFpm();
    const port = await findPort();
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (one) => `${one}_temp_path ${php.folder}/${one};`,
    );
    const params = [...PARAMS, `SCRIPT_FILENAME ${php.script}`].map((one) => `fastcgi_param ${one};`);
    const file = join(php.folder, 'nginx.conf');
    writeFileSync(
      file,
      `${process.getuid?.() === 0 ? 'user root; ' : ''}daemon off; worker_processes 1; error_log ${php.folder}/error.log; pid ${php.folder}/nginx.pid; events {}
http { access_log off; ${paths.join(' ')} server { listen 127.0.0.1:${port};
# So that all send the same fields.
add_header Keep-Alive timeout=5; keepalive_requests 1000000000;
location / { ${params.join(' ')} fastcgi_pass unix:${php.socket}; } } }`,
    );
    const nginx = await runBeside(`nginx -c ${file} -e ${php.folder}/error.log`);
    await untilAnswered(port);
    pids = () => [...family(nginx), ...family(php.pid)];
    return listeningAt(port);
  },
};
