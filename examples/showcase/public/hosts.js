/** A program in a host: the code that mounts it, and the environ that it saw. Asks all hosts, to tell what differs. */
import { showEnviron } from './environ.js';
import { element } from './page.js';
import { codeFor } from './programs.js';

const HOSTS = ['server', 'node', 'express', 'fastify'];
const form = element('choose');
/** Counts the questions, so that a late answer to an earlier one is dropped. */
let question = 0;
let answers = new Map();

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void askAll();
});
form.addEventListener('change', ({ target }) => {
  if (target.name === 'program') void askAll();
  if (target.name === 'host') show();
});
for (const id of ['search', 'differing']) element(id).addEventListener('input', show);

element('shell').textContent = element('shell').textContent.replaceAll(
  'http://127.0.0.1:8124',
  location.origin,
);
restore();
void askAll();

/** Chooses what the address names: #in/express/class. */
function restore() {
  const [, host, program] = /^#in\/(\w+)\/(\w+)$/.exec(location.hash) ?? [];
  for (const [name, value] of Object.entries({ host, program })) {
    const input = form.querySelector(`[name=${name}][value="${value}"]`);
    if (input !== null) input.checked = true;
  }
}

function chosen() {
  const data = new FormData(form);
  return {
    program: data.get('program'),
    host: data.get('host'),
    path: data.get('path').trim().replace(/^\/+/, ''),
  };
}

async function askAll() {
  question += 1;
  const asked = question;
  const { program, path } = chosen();
  const all = await Promise.all(
    HOSTS.map(async (host) => [host, await ask(`/in/${host}/${program}/${path}`)]),
  );
  if (asked !== question) return;
  answers = new Map(all);
  show();
}

async function ask(url) {
  try {
    const response = await fetch(url, { headers: { accept: 'application/json' } });
    if (!response.ok) throw new Error(`The server answered ${response.status} ${response.statusText}`);
    return { url, ...(await response.json()) };
  } catch (error) {
    return { url, failure: String(error.message), entries: [] };
  }
}

function show() {
  const { program, host } = chosen();
  const code = codeFor(program, host);
  element('line').firstChild.textContent = code.line;
  element('program').textContent = code.program;
  const answer = answers.get(host);
  element('raw').hidden = answer === undefined;
  if (answer !== undefined) element('raw').href = answer.url;
  const note =
    answer?.failure ??
    answer?.note ??
    'A web server starts a CGI program for each request: copy the program, and run it in a shell.';
  element('note').textContent = note;
  element('note').classList.toggle('failed', answer?.failure !== undefined);
  element('answer').classList.toggle('empty', !(answer?.entries.length > 0));
  showEnviron(answer?.entries ?? [], [...answers.values()]);
}
