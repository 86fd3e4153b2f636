/** A button on each piece of code that copies it. */
import { create } from './page.js';

for (const code of document.querySelectorAll('pre, .line')) {
  const button = create('button', 'Copy', 'copy');
  button.type = 'button';
  const frame = create('div', '', 'copied');
  code.replaceWith(frame);
  frame.append(code, button);
  button.addEventListener('click', async () => {
    const isCopied = await copy(code);
    button.textContent = isCopied ? 'Copied' : 'Press Ctrl+C';
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 1_500);
  });
}

async function copy(code) {
  try {
    // Only there on https and on this machine.
    await navigator.clipboard.writeText(code.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(code);
    return document.execCommand('copy');
  }
}
