/** An application with a mistake, and the page that shows it to its developer. */
import type { Application } from 'gatebridge';
import { errorPage } from 'gatebridge/middleware';

interface Order {
  readonly customer?: { readonly name: string };
}

function greet(order: Order): string {
  if (order.customer === undefined) throw new TypeError('The order has no customer');
  return `Hello, ${order.customer.name}!`;
}

export const failing: Application = (_environ, startResponse) => {
  const text = greet({});
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from(text)];
};

/** For clients on this machine. All others see what `failing` gives them: a reason phrase. */
export const failingShown: Application = errorPage({ show: true })(failing);
