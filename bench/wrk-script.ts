/** Writes the Lua script from which wrk makes its requests. */
import { DIGITS, NUMBER, type RequestTemplate } from './work.ts';

/** The number of different targets; too many for anything to remember them. */
const TARGETS = 4096;

/** Makes all requests in advance: wrk sends a single one without asking Lua, and asks for the next of several. */
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
