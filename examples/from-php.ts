/**
 * A PHP site inside Express. It gets the user whom Express has authenticated, and Express has taken over one of its routes.
 *
 *     apt install php-fpm
 *     npx tsx examples/from-php.ts
 *     curl http://127.0.0.1:8124/site/news?user=Ada
 *
 * php-fpm must be able to read `php_site`, and you to open its socket: PHP_FPM says where that is.
 */
import { join } from 'node:path';
import express, { type Request } from 'express';
import { toExpress } from 'gatebridge/express';
import { fromFastCgi } from 'gatebridge/fastcgi';
import { staticFiles } from 'gatebridge/middleware';
import { printUrl } from './print-url.ts';

const { PORT = '8124', PHP_FPM = '/run/php/php-fpm.sock' } = process.env;
const root = join(import.meta.dirname, 'php_site');

const site = fromFastCgi({
  path: PHP_FPM,
  root,
  fallback: 'index.php',
  files: staticFiles(root),
  environ: (environ) => {
    // Express gives its own request; a real service would look at request.user.
    const request = environ['express.req'] as Request;
    return { REMOTE_USER: request.query.user };
  },
});

const app = express();
app.get('/site/about', (_request, response) => {
  response.send('Express has taken this route over\n');
});
app.use('/site', toExpress(site));

const server = app.listen(Number(PORT), '127.0.0.1', () => printUrl(server));
