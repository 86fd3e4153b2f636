/**
 * Asks every part for its report on the same path, and shows one of them. All text reaches the page as text:
 * what a visitor put into a URL or a header is never read as markup.
 */
const PARTS = ['express', 'function', 'class', 'instance', 'fastify'];
const GROUPS = {
  cgi: ['CGI variables', 'the request line, the content, the server, the peer'],
  headers: ['Request headers', 'each field as HTTP_NAME'],
  wsgi: ['wsgi.*', 'what PEP 3333 promises'],
  gateway: ['gateway.*', 'what this host offers beyond'],
  host: ['Native objects', 'a way out, for code that knows where it runs'],
};

const element = (id) => document.getElementById(id);
const tabs = [...document.querySelectorAll('[role=tab]')];
const reports = new Map();
let shown = PARTS.includes(location.hash.slice(1)) ? location.hash.slice(1) : 'function';

async function askAll() {
  const typed = element('path').value.trim();
  const path = typed.startsWith('/') || typed === '' ? typed : `/${typed}`;
  await Promise.all(PARTS.map((part) => ask(part, path)));
  show(shown);
  showFacts();
}

async function ask(part, path) {
  const url = `/${part}${path}`;
  try {
    const response = await fetch(url, { headers: { accept: 'application/json' } });
    if (!response.ok) throw new Error(`The server answered ${response.status} ${response.statusText}`);
    reports.set(part, { url, ...(await response.json()) });
  } catch (error) {
    reports.set(part, { url, failure: String(error.message), entries: [] });
  }
}

function show(part) {
  shown = part;
  for (const tab of tabs) {
    const isShown = tab.dataset.part === part;
    tab.setAttribute('aria-selected', String(isShown));
    tab.tabIndex = isShown ? 0 : -1;
    if (isShown) element('panel').setAttribute('aria-labelledby', tab.id);
  }
  const report = reports.get(part);
  if (report === undefined) return;
  element('note').textContent = report.failure ?? report.note;
  element('note').classList.toggle('failed', report.failure !== undefined);
  element('raw').href = report.url;
  showRuler(report);
  showGroups(report);
}

function showRuler({ entries }) {
  const pieces = ['SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING'].map((key) => {
    const entry = entries.find((candidate) => candidate.key === key);
    const piece = create('span', entry?.text ?? (entry?.value || "''"), entry?.value ? '' : 'empty');
    piece.dataset.key = key;
    return piece;
  });
  element('ruler').replaceChildren(...(entries.length > 0 ? pieces : []));
}

function showGroups({ entries }) {
  const wanted = element('search').value.toLowerCase();
  const onlyDiffering = element('differing').checked;
  const visible = entries.filter((entry) => {
    const text = `${entry.key} ${entry.value} ${entry.text ?? ''}`.toLowerCase();
    return text.includes(wanted) && (!onlyDiffering || differs(entry.key));
  });
  const groups = Object.entries(GROUPS).flatMap(([group, [title, subtitle]]) => {
    const members = visible.filter((entry) => entry.group === group);
    return members.length > 0 ? [createGroup(group, `${title} (${members.length})`, subtitle, members)] : [];
  });
  const isEmpty = groups.length === 0 && entries.length > 0;
  element('groups').replaceChildren(...(isEmpty ? [create('p', 'Nothing matches.', 'note')] : groups));
}

function createGroup(group, title, subtitle, entries) {
  const details = create('details');
  details.open = !closedGroups.has(group);
  details.addEventListener('toggle', () => {
    closedGroups[details.open ? 'delete' : 'add'](group);
  });
  const summary = create('summary', title);
  summary.append(create('small', subtitle));
  const table = create('table');
  table.append(...entries.map(createRow));
  details.append(summary, table);
  return details;
}

const closedGroups = new Set();

function createRow(entry) {
  const row = create('tr', '', differs(entry.key) ? 'differs' : '');
  const key = create('th', entry.key);
  key.scope = 'row';
  const isPlain = ['string', 'boolean', 'number', 'function'].includes(entry.kind);
  const cell = create('td', entry.value === '' ? "''" : entry.value, isPlain ? entry.kind : 'object');
  cell.classList.toggle('blank', entry.value === '');
  if (entry.text !== undefined) cell.append(create('small', `octets of: ${entry.text}`));
  row.append(key, cell);
  return row;
}

function differs(key) {
  const values = new Set();
  for (const { entries } of reports.values()) {
    values.add(entries.find((entry) => entry.key === key)?.value);
  }
  return values.size > 1;
}

function showFacts() {
  const { entries } = reports.get('express');
  for (const fact of document.querySelectorAll('#facts [data-key]')) {
    fact.textContent = entries.find(({ key }) => key === fact.dataset.key)?.value ?? 'unknown';
  }
  document.querySelector('#facts [data-count]').textContent = String(entries.length);
  element('facts').hidden = entries.length === 0;
  element('shell').textContent = ['function', 'fastify']
    .map((part) => `curl -i ${location.origin}/${part}/hello`)
    .join('\n');
}

function create(name, text = '', className = '') {
  const node = document.createElement(name);
  node.textContent = text;
  if (className !== '') node.className = className;
  return node;
}

for (const [index, tab] of tabs.entries()) {
  tab.addEventListener('click', () => show(tab.dataset.part));
  tab.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const next = tabs[(index + step + tabs.length) % tabs.length];
    show(next.dataset.part);
    next.focus();
  });
}
for (const button of document.querySelectorAll('.pick')) {
  button.addEventListener('click', () => {
    show(button.dataset.part);
    element('seen').scrollIntoView({ behavior: 'smooth' });
    element('seen').focus({ preventScroll: true });
  });
}
element('ask').addEventListener('submit', (event) => {
  event.preventDefault();
  void askAll();
});
for (const id of ['search', 'differing']) {
  element(id).addEventListener('input', () => show(shown));
}
await askAll();
