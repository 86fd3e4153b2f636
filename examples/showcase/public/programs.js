/** The code that mounts a program in a host: the line, and a whole module in JavaScript that runs as it is. */

const PROGRAMS = {
  function: {
    name: 'hello',
    code: `function hello(environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from(\`Hello from \${environ.SCRIPT_NAME || 'the root'}\\n\`)];
}`,
  },
  class: {
    name: 'Hello',
    code: `class Hello {
  constructor(environ, startResponse) {
    this.environ = environ;
    this.startResponse = startResponse;
  }

  *[Symbol.iterator]() {
    this.startResponse('200 OK', [['Content-Type', 'text/plain']]);
    yield Buffer.from(\`Hello from \${this.environ.SCRIPT_NAME || 'the root'}\\n\`);
  }
}`,
  },
  object: {
    name: 'counter',
    code: `const counter = {
  requests: 0,
  call(environ, startResponse) {
    this.requests += 1;
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    return [Buffer.from(\`Hello, visitor \${this.requests} of \${environ.SCRIPT_NAME || 'the root'}\\n\`)];
  },
};`,
  },
  node: {
    name: 'fromNode(listener)',
    imports: [['fromNode', 'gatebridge/node']],
    code: `function listener(request, response) {
  response.end(\`Hello from \${request.url}\\n\`);
}`,
  },
  express: {
    name: 'fromExpress(app)',
    imports: [
      ['express', 'express'],
      ['fromExpress', 'gatebridge/express'],
    ],
    code: `const app = express();
app.get('/', (request, response) => {
  response.send(\`Hello from \${request.baseUrl || 'the root'}\\n\`);
});`,
  },
  fastify: {
    name: 'fromFastify(app)',
    imports: [
      ['fastify', 'fastify'],
      ['fromFastify', 'gatebridge/fastify'],
    ],
    code: `const app = fastify();
app.get('/', async (request) => \`Hello from \${request.url}\\n\`);`,
  },
};

const HOSTS = {
  server: {
    imports: [['serve', 'gatebridge/server']],
    line: (program) => `const server = await serve(${program}, { port: 8124 });`,
    after: 'console.log(server.url);',
  },
  node: {
    imports: [
      ['createServer', 'node:http'],
      ['toNode', 'gatebridge/node'],
    ],
    line: (program) => `const server = createServer(toNode(${program}));`,
    after: "server.listen(8124, '127.0.0.1', () => console.log('http://127.0.0.1:8124/'));",
  },
  express: {
    imports: [
      ['express', 'express'],
      ['toExpress', 'gatebridge/express'],
    ],
    before: 'const site = express();',
    line: (program) => `site.use('/hello', toExpress(${program}));`,
    after: "site.listen(8124, '127.0.0.1', () => console.log('http://127.0.0.1:8124/hello'));",
  },
  fastify: {
    imports: [
      ['fastify', 'fastify'],
      ['toFastify', 'gatebridge/fastify'],
    ],
    before: 'const site = fastify();',
    line: (program) => `site.register(toFastify(${program}), { prefix: '/hello' });`,
    after: "console.log(await site.listen({ port: 8124 }), 'and below it /hello');",
  },
  cgi: {
    imports: [['runCgi', 'gatebridge/cgi']],
    line: (program) => `await runCgi(${program});`,
  },
};

/** @returns the line that mounts the program in the host, and a module around it */
export function codeFor(program, host) {
  const { name, code, imports = [] } = PROGRAMS[program];
  const { before, line: lineFor, after, imports: more } = HOSTS[host];
  const line = lineFor(name);
  const rest = [before, line, after].filter((part) => part !== undefined).join('\n');
  return { line, program: [importLines([...imports, ...more]), code, rest].join('\n\n') };
}

function importLines(imports) {
  const names = new Map();
  for (const [name, module] of imports) names.set(module, new Set([...(names.get(module) ?? []), name]));
  const lines = [...names].map(([module, list]) => {
    const isDefault = list.has(module);
    return `import ${isDefault ? module : `{ ${[...list].sort().join(', ')} }`} from '${module}';`;
  });
  return lines.sort((a, b) => (a.split(' from ')[1] < b.split(' from ')[1] ? -1 : 1)).join('\n');
}
