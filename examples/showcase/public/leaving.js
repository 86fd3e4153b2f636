/** A response that the page leaves in the middle, and what the server sees of it. */
import { news, opened } from './live.js';
import { element, log, PAGE } from './page.js';

let leaving;
let left = 0;

element('begin').addEventListener('click', () => void begin());

async function begin() {
  await opened;
  element('seen').replaceChildren();
  leaving = new AbortController();
  show(true, 'The response goes on…');
  try {
    const response = await fetch(`/leaving?page=${PAGE}`, { signal: leaving.signal });
    await response.text();
    show(false, 'The response is complete.');
  } catch (error) {
    show(false, error.name === 'AbortError' ? 'You have left.' : 'The connection has broken.');
  }
}

element('leave').addEventListener('click', () => {
  left = performance.now();
  leaving.abort();
});

news.addEventListener('leaving', ({ detail }) => {
  const isEnd = !detail.startsWith('yields');
  log(element('seen'), detail, isEnd ? 'strong' : '');
  if (left === 0 || !isEnd) return;
  const passed = Math.max(1, Math.round(performance.now() - left));
  element('leaving-state').textContent = `You have left. The server saw it within ${passed} ms.`;
  left = 0;
});

function show(isGoing, state) {
  element('begin').disabled = isGoing;
  element('leave').disabled = !isGoing;
  element('leaving-state').textContent = state;
  element(isGoing ? 'leave' : 'begin').focus();
}
