/** Shows the answers to a failed request in the page. With a modifier key the links open as always. */
import { element } from './page.js';

for (const link of document.querySelectorAll('[data-frame]')) {
  link.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    element('frame').hidden = false;
    element('frame').src = link.href;
  });
}
