/** Shared by the parts of the page. Text from the network reaches the page as text, never as markup. */

/** Names this page to the server, which tells it what happens to its own requests. */
export const PAGE = [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join('');

export const element = (id) => document.getElementById(id);

export function create(name, text = '', className = '') {
  const node = document.createElement(name);
  node.textContent = text;
  if (className !== '') node.className = className;
  return node;
}

/** Adds a line to a log and shows it, unless the reader has scrolled up. */
export function log(list, text, className = '') {
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 30;
  const item = create('li', text, className);
  list.append(item);
  while (list.children.length > 100) list.firstChild.remove();
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

export function formatOctets(octets) {
  const units = ['octets', 'kB', 'MB', 'GB'];
  let value = octets;
  while (value >= 1000 && units.length > 1) {
    value /= 1000;
    units.shift();
  }
  return `${value < 10 && units[0] !== 'octets' ? value.toFixed(1) : Math.round(value)} ${units[0]}`;
}
