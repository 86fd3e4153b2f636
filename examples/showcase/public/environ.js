/** An environ as tables, by groups that fold. */
import { create, element } from './page.js';

const GROUPS = {
  cgi: ['CGI variables', 'the request line, the content, the server, the peer'],
  headers: ['Request headers', 'each field as HTTP_NAME'],
  wsgi: ['wsgi.*', 'what PEP 3333 promises'],
  gateway: ['gateway.*', 'what this host offers beyond'],
  host: ['The host’s own objects', 'a way out, for code that knows where it runs'],
};

/** On a phone the page is long enough without them. */
const closedGroups = new Set(matchMedia('(max-width: 45rem)').matches ? Object.keys(GROUPS) : []);

/** Shows the entries of one answer. `answers` are those of all hosts, to tell what differs. */
export function showEnviron(entries, answers) {
  const differing = keysThatDiffer(answers.map((answer) => answer.entries));
  showRuler(entries);
  const wanted = element('search').value.toLowerCase();
  const onlyDiffering = element('differing').checked;
  const visible = entries.filter(({ key, value, text = '' }) => {
    return `${key} ${value} ${text}`.toLowerCase().includes(wanted) && (!onlyDiffering || differing.has(key));
  });
  const isFiltered = wanted !== '' || onlyDiffering;
  const groups = Object.entries(GROUPS).flatMap(([group, texts]) => {
    const members = visible.filter((entry) => entry.group === group);
    return members.length > 0 ? [createGroup({ group, texts, members, differing, isFiltered })] : [];
  });
  const isEmpty = groups.length === 0 && entries.length > 0;
  element('groups').replaceChildren(...(isEmpty ? [create('p', 'Nothing matches.', 'note')] : groups));
}

function keysThatDiffer(environs) {
  // Each request may come on a connection of its own, whatever the host.
  const kept = environs.map((entries) => entries.filter(({ key }) => key !== 'REMOTE_PORT'));
  const values = kept.map((entries) => new Map(entries.map(({ key, value }) => [key, value])));
  const keys = new Set(values.flatMap((environ) => [...environ.keys()]));
  return new Set([...keys].filter((key) => new Set(values.map((environ) => environ.get(key))).size > 1));
}

function showRuler(entries) {
  const pieces = ['SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING'].map((key) => {
    const entry = entries.find((candidate) => candidate.key === key);
    const piece = create('span', entry?.text ?? (entry?.value || "''"), entry?.value ? '' : 'empty');
    piece.dataset.key = key;
    return piece;
  });
  element('ruler').replaceChildren(...(entries.length > 0 ? pieces : []));
}

function createGroup({ group, texts: [title, subtitle], members, differing, isFiltered }) {
  const details = create('details');
  details.open = isFiltered || !closedGroups.has(group);
  const summary = create('summary', title);
  summary.append(create('span', String(members.length), 'count'), create('small', subtitle));
  summary.addEventListener('click', () => {
    closedGroups[details.open ? 'add' : 'delete'](group);
  });
  const table = create('table');
  table.append(...members.map((entry) => createRow(entry, differing.has(entry.key))));
  details.append(summary, table);
  return details;
}

function createRow(entry, isDifferent) {
  const row = create('tr', '', isDifferent ? 'differs' : '');
  const key = create('th', entry.key);
  key.scope = 'row';
  const cell = create('td', entry.value === '' ? "''" : entry.value);
  cell.classList.toggle('blank', entry.value === '');
  if (entry.text !== undefined) cell.append(create('small', `octets of: ${entry.text}`));
  row.append(key, cell);
  return row;
}
