/** What wrk is told in Lua about the requests that it is to make. */
import { DIGITS, NUMBER, type RequestTemplate } from './work.ts';

/** How many targets there are where each request has another; too many for anything to remember them. */
const TARGETS = 4096;

/** All requests are made before: wrk sends one without asking Lua, and of several asks for the next. */
export function luaScript({ method, path, headers, content, pipelining = 1 }: RequestTemplate): string {
  const lines = [`wrk.method = "${method}"`];
  for (const [name, value] of headers) lines.push(`wrk.headers["${name}"] = [==[${value}]==]`);
  if (content !== undefined) lines.push(`wrk.body = [==[${content}]==]`);
  const count = path.includes(NUMBER) ? TARGETS / pipelining : 1;
  if (count * pipelining > 1) lines.push(luaBatches(path, count, pipelining));
  return lines.join('\n');
}

function luaBatches(path: string, count: number, pipelining: number): string {
  return `
local batches, current = {}, 0
init = function()
  for batch = 1, ${count} do
    local requests = {}
    for number = 1, ${pipelining} do
      local path = string.format("${path.replace(NUMBER, `%0${DIGITS}d`)}", batch * ${pipelining} + number)
      requests[number] = wrk.format(nil, path)
    end
    batches[batch] = table.concat(requests)
  end
end
request = function()
  current = current % ${count} + 1
  return batches[current]
end`;
}
