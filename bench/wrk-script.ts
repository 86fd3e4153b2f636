/** Writes the Lua script from which wrk makes its requests. */
import { DIGITS, isVaried, NUMBER, type RequestTemplate } from './work.ts';

/** The number of different requests; too many for anything to remember them. */
const TARGETS = 4096;

/** Makes all requests in advance: wrk sends a single one without asking Lua, and asks for the next of several. */
export function luaScript(request: RequestTemplate): string {
  const { method, headers, content, pipelining = 1 } = request;
  const lines = [`wrk.method = "${method}"`];
  for (const [name, value] of headers) lines.push(`wrk.headers["${name}"] = [==[${value}]==]`);
  if (content !== undefined) lines.push(`wrk.body = [==[${content}]==]`);
  const count = isVaried(request) ? TARGETS / pipelining : 1;
  if (count * pipelining > 1) lines.push(luaBatches(request, count, pipelining));
  return lines.join('\n');
}

function luaBatches({ path, headers }: RequestTemplate, count: number, pipelining: number): string {
  const varied = headers.filter(([, value]) => value.includes(NUMBER));
  const settings = varied.map(([name, value]) => `wrk.headers["${name}"] = ${luaText(value)}`);
  return `
local batches, current = {}, 0
init = function()
  for batch = 1, ${count} do
    local requests = {}
    for number = 1, ${pipelining} do
      local digits = string.format("%0${DIGITS}d", batch * ${pipelining} + number)
      ${settings.join('\n      ')}
      requests[number] = wrk.format(nil, ${luaText(path)})
    end
    batches[batch] = table.concat(requests)
  end
end
request = function()
  current = current % ${count} + 1
  return batches[current]
end`;
}

/** An expression that puts the digits in place of each placeholder. */
function luaText(text: string): string {
  return text
    .split(NUMBER)
    .map((part) => `[==[${part}]==]`)
    .join(' .. digits .. ');
}
