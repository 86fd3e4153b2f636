/** An upload with two bars: what the browser has sent, and what the application says that it has read. */
import { news } from './live.js';
import { element, formatOctets, PAGE } from './page.js';

const DEFAULT_SIZE = 32_000_000;
let size = 0;

element('send').addEventListener('submit', (event) => {
  event.preventDefault();
  const content = element('file').files[0] ?? new Blob([new Uint8Array(DEFAULT_SIZE)]);
  size = content.size;
  show('sent', 0);
  show('read', 0);
  send(content, element('slow').checked);
});

news.addEventListener('upload', ({ detail }) => show('read', detail));

function send(content, isSlow) {
  const button = element('send').querySelector('button');
  const began = performance.now();
  // fetch tells nothing of what has been sent.
  const request = new XMLHttpRequest();
  request.open('PUT', `/upload?page=${PAGE}${isSlow ? '&slow' : ''}`);
  request.responseType = 'json';
  request.upload.addEventListener('progress', ({ loaded }) => show('sent', loaded));
  request.addEventListener('load', () => {
    const { octets, sha256 } = request.response ?? {};
    if (request.status !== 200) return say(`The server answered ${request.status}.`);
    show('sent', octets);
    show('read', octets);
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    say(`${formatOctets(octets)} in ${seconds} s, SHA-256 ${sha256.slice(0, 16)}…`);
  });
  request.addEventListener('error', () => say('The connection has broken.'));
  request.addEventListener('loadend', () => {
    button.disabled = false;
  });
  button.disabled = true;
  say('Uploading…');
  request.send(content);
}

function show(name, octets) {
  element(name).value = size === 0 ? 1 : octets / size;
  element(`${name}-text`).textContent = octets === 0 ? 'nothing' : formatOctets(octets);
}

function say(text) {
  element('upload-state').textContent = text;
}
