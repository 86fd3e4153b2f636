import { describe, expect, it } from 'vitest';
import { parseRequestLine } from '../../src/http/request-line.ts';

describe('parseRequestLine()', () => {
  it.each([
    ['GET / HTTP/1.1', 'GET', '/', 'origin', 'HTTP/1.1'],
    ['get //a;b?c=d&e=[]{}|^"<>` HTTP/1.0', 'get', '//a;b?c=d&e=[]{}|^"<>`', 'origin', 'HTTP/1.0'],
    ["M-S!#$%&'*+.^_`|~ / HTTP/1.1", "M-S!#$%&'*+.^_`|~", '/', 'origin', 'HTTP/1.1'],
    ['GET / HTTP/1.9', 'GET', '/', 'origin', 'HTTP/1.1'],
    ['OPTIONS * HTTP/1.1', 'OPTIONS', '*', 'asterisk', 'HTTP/1.1'],
    ['OPTIONS /* HTTP/1.1', 'OPTIONS', '/*', 'origin', 'HTTP/1.1'],
    ['GET http://a HTTP/1.1', 'GET', 'http://a', 'absolute', 'HTTP/1.1'],
    ['GET HTTPS://[::1]:8443?x HTTP/1.1', 'GET', 'HTTPS://[::1]:8443?x', 'absolute', 'HTTP/1.1'],
    ['CONNECT a.example:443 HTTP/1.1', 'CONNECT', 'a.example:443', 'authority', 'HTTP/1.1'],
  ])('parses %j', (line, method, target, targetForm, protocol) => {
    expect(parseRequestLine(line)).toEqual({ method, target, targetForm, protocol });
  });

  it.each([
    ['', 'REQUEST_LINE_INVALID'],
    ['GET', 'REQUEST_LINE_INVALID'],
    ['GET /', 'REQUEST_LINE_INVALID'],
    ['GET  HTTP/1.1', 'REQUEST_LINE_INVALID'],
    ['GET  / HTTP/1.1', 'REQUEST_LINE_INVALID'],
    ['GET /  HTTP/1.1', 'REQUEST_LINE_INVALID'],
    ['GET / HTTP/1.1 ', 'REQUEST_LINE_INVALID'],
    ['GET /a b HTTP/1.1', 'REQUEST_LINE_INVALID'],
    [' GET / HTTP/1.1', 'REQUEST_LINE_INVALID'],
    [' / HTTP/1.1', 'METHOD_INVALID'],
    ['GET / HTTP/1.10', 'REQUEST_LINE_INVALID'],
    ['GET / HTTP/1', 'REQUEST_LINE_INVALID'],
    ['GET / http/1.1', 'REQUEST_LINE_INVALID'],
    ['GET / RTSP/1.0', 'REQUEST_LINE_INVALID'],
    ['G@T / HTTP/1.1', 'METHOD_INVALID'],
    ['GET\t/\tHTTP/1.1', 'OCTET_FORBIDDEN'],
    ['GET /\xe9 HTTP/1.1', 'OCTET_FORBIDDEN'],
    ['GET /\r HTTP/1.1', 'LINE_END_INVALID'],
    ['GET /#a HTTP/1.1', 'TARGET_INVALID'],
    ['GET a HTTP/1.1', 'TARGET_INVALID'],
    ['GET * HTTP/1.1', 'TARGET_INVALID'],
    ['GET a:80 HTTP/1.1', 'TARGET_INVALID'],
    ['GET ftp://a/ HTTP/1.1', 'TARGET_INVALID'],
    ['GET http:///a HTTP/1.1', 'TARGET_INVALID'],
    ['GET http://a@b/ HTTP/1.1', 'TARGET_INVALID'],
    ['GET http:a HTTP/1.1', 'TARGET_INVALID'],
    ['CONNECT / HTTP/1.1', 'TARGET_INVALID'],
    ['CONNECT a HTTP/1.1', 'TARGET_INVALID'],
    ['CONNECT a: HTTP/1.1', 'TARGET_INVALID'],
    ['CONNECT :1 HTTP/1.1', 'TARGET_INVALID'],
    ['GET / HTTP/2.0', 'VERSION_UNSUPPORTED'],
    ['PRI * HTTP/2.0', 'VERSION_UNSUPPORTED'],
    ['GET / HTTP/0.9', 'VERSION_UNSUPPORTED'],
  ])('refuses %j', (line, code) => {
    expect(() => parseRequestLine(line)).toThrow(expect.objectContaining({ code: `WSGI_ERR_${code}` }));
  });
});
