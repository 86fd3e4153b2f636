/** A real browser, driven over the Chrome DevTools Protocol: pages of any size, in light and dark, with real keys and clicks. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

type Answer = Record<string, unknown>;
type Listener = (method: string, parameters: Answer) => void;

/** How a page is looked at. */
export interface View {
  readonly width: number;
  readonly height?: number;
  readonly scheme: 'light' | 'dark';
  /** False: the page's scripts do not run. */
  readonly scripts?: boolean;
}

/** A browser of its own, with an empty profile. */
export class Browser {
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (message: Answer) => void>();
  readonly #listeners = new Map<string, Listener>();
  #sent = 0;

  private constructor(child: ChildProcess, profile: string, socket: WebSocket) {
    this.#child = child;
    this.#profile = profile;
    this.#socket = socket;
    socket.on('message', (data) => this.#receive(JSON.parse(String(data))));
  }

  /** @param flags More flags of the program */
  static async launch(program: string, flags: readonly string[] = []): Promise<Browser> {
    const profile = mkdtempSync(join(tmpdir(), 'gatebridge-browser-'));
    const child = spawn(
      program,
      [
        ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
        ...['--disable-sync', '--disable-background-networking', '--disable-component-update'],
        ...['--remote-debugging-port=0', `--user-data-dir=${profile}`, ...flags, 'about:blank'],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    for await (const line of createInterface(child.stderr)) {
      const address = /ws:\/\/\S+/.exec(line)?.[0];
      if (address === undefined) continue;
      child.stderr.resume();
      const socket = new WebSocket(address, { maxPayload: 64 * 1024 * 1024 });
      await once(socket, 'open');
      return new Browser(child, profile, socket);
    }
    throw new Error('The browser ended before it said its address');
  }

  async open(url: string, view: View): Promise<Page> {
    const { browserContextId } = await this.send('Target.createBrowserContext', {});
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank', browserContextId });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page((method, parameters) => this.send(method, parameters, String(sessionId)));
    this.#listeners.set(String(sessionId), page.hear);
    await page.show(url, view);
    return page;
  }

  async send(method: string, parameters: Answer, sessionId?: string): Promise<Answer> {
    this.#sent += 1;
    const id = this.#sent;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method, params: parameters, sessionId }));
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return Object(result);
  }

  async close(): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  #receive({ id, method, params, sessionId, ...answer }: Answer): void {
    if (method !== undefined) this.#listeners.get(String(sessionId))?.(String(method), Object(params));
    const waiting = this.#waiting.get(Number(id));
    this.#waiting.delete(Number(id));
    waiting?.(answer);
  }
}

/** A page, with everything that it asked for and complained of. */
export class Page {
  /** URLs of all requests. */
  readonly requests: string[] = [];
  /** Errors and warnings of the console, and exceptions that nobody caught. */
  readonly problems: string[] = [];
  /** Questions of the page, all answered with yes. */
  readonly dialogs: string[] = [];
  readonly #send: (method: string, parameters: Answer) => Promise<Answer>;
  #isLoaded = false;

  constructor(send: (method: string, parameters: Answer) => Promise<Answer>) {
    this.#send = send;
  }

  readonly hear: Listener = (method, parameters) => {
    if (method === 'Network.requestWillBeSent') this.requests.push(Object(parameters.request).url);
    if (method === 'Network.webSocketCreated') this.requests.push(String(parameters.url));
    if (method === 'Page.loadEventFired') this.#isLoaded = true;
    // A page with an open dialog stands still.
    if (method === 'Page.javascriptDialogOpening') this.#accept(parameters);
    const isComplaint =
      method === 'Runtime.exceptionThrown' ||
      (method === 'Runtime.consoleAPICalled' && /error|warning|assert/.test(String(parameters.type))) ||
      (method === 'Log.entryAdded' && /error|warning/.test(Object(parameters.entry).level));
    if (isComplaint) this.problems.push(JSON.stringify(parameters));
  };

  async show(url: string, { width, height = 900, scheme, scripts = true }: View): Promise<void> {
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await this.#send(`${domain}.enable`, {});
    const mobile = width < 600;
    await this.#send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile });
    await this.paint(scheme);
    await this.#send('Emulation.setScriptExecutionDisabled', { value: !scripts });
    await this.goto(url);
  }

  /** Loads another page. */
  async goto(url: string): Promise<void> {
    this.#isLoaded = false;
    const { errorText } = await this.#send('Page.navigate', { url });
    if (errorText !== undefined) throw new Error(`${url}: ${errorText}`);
    while (!this.#isLoaded) await sleep(10);
  }

  /** Changes between light and dark. */
  async paint(scheme: View['scheme']): Promise<void> {
    const features = [
      { name: 'prefers-color-scheme', value: scheme },
      // Nothing moves on while it is clicked at.
      { name: 'prefers-reduced-motion', value: 'reduce' },
    ];
    await this.#send('Emulation.setEmulatedMedia', { features });
  }

  /** Evaluates an expression in the page; a promise is awaited. */
  async evaluate(expression: string): Promise<unknown> {
    const settings = { expression, awaitPromise: true, returnByValue: true, userGesture: true };
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', settings);
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return Object(result).value;
  }

  /** Waits until an expression is true in the page, also in the one that comes next. */
  async until(expression: string): Promise<void> {
    const end = Date.now() + 20_000;
    // While the page changes, there is no context to evaluate in.
    while (!(await this.evaluate(expression).catch(() => false))) {
      if (Date.now() > end)
        throw new Error(
          `The page never came to this: ${expression}; it says ${await this.evaluate('document.body?.innerText')}`,
        );
      await sleep(20);
    }
  }

  /** Clicks into the middle of an element, as a mouse does. */
  async click(selector: string): Promise<void> {
    const [x, y] = Object(
      await this.evaluate(`(() => {
        const node = document.querySelector(${JSON.stringify(selector)});
        node.scrollIntoView({ block: 'center', behavior: 'instant' });
        const { left, top, width, height } = node.getBoundingClientRect();
        return [left + width / 2, top + height / 2];
      })()`),
    );
    for (const type of ['mousePressed', 'mouseReleased']) {
      await this.#send('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 });
    }
  }

  /** Chooses a file of this machine in a form. */
  async attach(selector: string, path: string): Promise<void> {
    const expression = `document.querySelector(${JSON.stringify(selector)})`;
    const { result } = await this.#send('Runtime.evaluate', { expression });
    await this.#send('DOM.setFileInputFiles', { objectId: Object(result).objectId, files: [path] });
  }

  /** Answers yes. */
  #accept({ message }: Answer): void {
    this.dialogs.push(String(message));
    void this.#send('Page.handleJavaScriptDialog', { accept: true });
  }

  /** Presses a key, such as `Tab`, `Enter`, `ArrowRight`. */
  async press(key: string): Promise<void> {
    const codes: Record<string, number> = { Tab: 9, Enter: 13, ' ': 32, ArrowRight: 39, ArrowLeft: 37 };
    const windowsVirtualKeyCode = codes[key] ?? 0;
    const text = key === 'Enter' ? '\r' : key === ' ' ? ' ' : undefined;
    await this.#send('Input.dispatchKeyEvent', { type: 'keyDown', key, text, windowsVirtualKeyCode });
    await this.#send('Input.dispatchKeyEvent', { type: 'keyUp', key, windowsVirtualKeyCode });
  }

  /** Types text into what has the focus. */
  async type(text: string): Promise<void> {
    await this.#send('Input.insertText', { text });
  }

  /** Takes a picture of the whole page, or of a part of its height, and gives its size in octets. */
  async picture(path: string, part: { readonly y?: number; readonly height?: number } = {}): Promise<number> {
    const height = Number(await this.evaluate('document.documentElement.scrollHeight'));
    const width = Number(await this.evaluate('document.documentElement.clientWidth'));
    const clip = { x: 0, y: 0, width, height, scale: 1, ...part };
    const { data } = await this.#send('Page.captureScreenshot', { clip, captureBeyondViewport: true });
    const content = Buffer.from(String(data), 'base64');
    writeFileSync(path, content);
    return content.length;
  }
}
