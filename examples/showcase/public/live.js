/** The live stream. Other parts of the page listen on `news` for what happens to their requests. */
import { element, formatOctets, PAGE } from './page.js';

/** Dispatches the server's events `leaving` and `upload`, with their data as `detail`. */
export const news = new EventTarget();

const stream = new EventSource(`/live?page=${PAGE}`);
const SECONDS = 60;
const rates = [];
let before;

/** Is fulfilled when the stream is open: what happens from then on is heard. */
export const opened = new Promise((resolve) => {
  stream.addEventListener('open', resolve, { once: true });
});

stream.addEventListener('open', () => say('Connected. The curve is requests in each second.'));
stream.addEventListener('error', () => {
  before = undefined;
  say('The server is gone. The browser tries again by itself.');
});
stream.addEventListener('server', ({ data }) => {
  const figures = JSON.parse(data);
  const shown = { ...figures, sent: formatOctets(figures.sent), memory: formatOctets(figures.memory) };
  for (const figure of document.querySelectorAll('[data-figure]')) {
    figure.textContent = shown[figure.dataset.figure];
  }
  if (before !== undefined) rates.push(figures.requests - before);
  before = figures.requests;
  draw();
});
for (const event of ['leaving', 'upload']) {
  stream.addEventListener(event, ({ data }) => {
    news.dispatchEvent(new CustomEvent(event, { detail: JSON.parse(data) }));
  });
}

function draw() {
  if (rates.length > SECONDS) rates.shift();
  const top = Math.max(4, ...rates);
  const points = rates.map((rate, index) => {
    const x = 600 - ((rates.length - 1 - index) * 600) / (SECONDS - 1);
    return `${x.toFixed(1)} ${(57 - (rate / top) * 54).toFixed(1)}`;
  });
  document.querySelector('#curve path').setAttribute('d', points.length > 1 ? `M${points.join('L')}` : '');
}

function say(text) {
  if (element('live-state').textContent !== text) element('live-state').textContent = text;
}
