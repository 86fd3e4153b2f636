/** A chat over a WebSocket, which connects again if the server was gone. */
import { element, log } from './page.js';

const state = element('sockets-state');
let socket;
let pause = 1_000;

connect();

function connect() {
  socket = new WebSocket(`${location.origin.replace('http', 'ws')}/chat`);
  socket.addEventListener('open', () => {
    pause = 1_000;
  });
  socket.addEventListener('message', ({ data }) => {
    const { text, clients } = JSON.parse(data);
    if (text !== undefined) log(element('said'), text);
    else
      state.textContent =
        clients === 1 ? 'Connected. You are alone here.' : `Connected. ${clients} windows are here.`;
  });
  socket.addEventListener('close', () => {
    state.textContent = 'The server is gone. The page tries again.';
    setTimeout(connect, pause);
    pause = Math.min(pause * 2, 30_000);
  });
}

element('say').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = element('text').value.trim();
  if (text === '' || socket.readyState !== WebSocket.OPEN) return;
  socket.send(text);
  element('text').value = '';
});
