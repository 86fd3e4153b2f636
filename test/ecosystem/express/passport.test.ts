/** passport with passport-local: login by form, a lasting session, logout. */
import express, { type RequestHandler } from 'express';
import session from 'express-session';
import passport from 'passport';
import { Strategy } from 'passport-local';
import { describe, expect, it } from 'vitest';
import type { WireResponse } from '../../../src/conformance/wire-client.ts';
import type { WireRequest } from '../../bridges/site.ts';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

const MASKS = [/(connect\.sid=s%3A)[^;\s]+/g];

const program = expressProgram((app, trail) => {
  const authenticator = new passport.Passport();
  authenticator.use(
    new Strategy((name, password, done) => {
      trail.push(`verify ${name}`);
      setImmediate(() => {
        if (name === 'broken') done(Object.assign(new Error('broken'), { status: 503 }));
        else done(null, password === 'right' ? { name } : false, { message: 'Wrong password' });
      });
    }),
  );
  authenticator.serializeUser((user, done) => done(null, Reflect.get(user, 'name')));
  authenticator.deserializeUser((name, done) => done(null, { name }));
  app.use(express.urlencoded({ extended: false }), express.json());
  app.use(session({ secret: 'secret', resave: false, saveUninitialized: false }));
  app.use(authenticator.session());
  app.post('/login', authenticator.authenticate('local', { failWithError: false }), (req, res) => {
    res.json([req.user, req.isAuthenticated()]);
  });
  app.post(
    '/form',
    authenticator.authenticate('local', {
      successRedirect: '/me',
      failureRedirect: '/sorry',
      failureMessage: true,
    }),
  );
  const closed: RequestHandler = (req, res, next) =>
    req.isAuthenticated() ? next() : void res.sendStatus(401);
  app.get('/me', closed, (req, res) => void res.json(req.user));
  app.get('/sorry', (req, res) => void res.json(Reflect.get(req.session, 'messages') ?? []));
  app.post('/logout', (req, res, next) => {
    req.logout((error) => (error ? next(error) : res.redirect('/me')));
  });
});

const login = (target: string, name: string, password: string): WireRequest => ({
  method: 'POST',
  target,
  headers: [['Content-Type', 'application/x-www-form-urlencoded']],
  content: `username=${name}&password=${password}`,
});

function cookieOf(response: WireResponse): [string, string][] {
  const line = response.headers.find(([name]) => name === 'Set-Cookie')?.[1] ?? '';
  return [['Cookie', line.slice(0, line.indexOf(';'))]];
}

describe('passport', () => {
  it('logs in and out', async () => {
    const { trail, responses } = await expectAlike(
      program,
      async ({ fetch }) => {
        await fetch('/me');
        const headers = cookieOf(await fetch(login('/login', 'u', 'right')));
        await fetch({ target: '/me', headers });
        await fetch({ method: 'POST', target: '/logout', headers });
        await fetch({ target: '/me', headers });
        await fetch(login('/login', 'u', 'wrong'));
        await fetch(login('/login', 'broken', 'x'));
        await fetch({ ...login('/login', 'u', 'right'), content: 'username=u' });
        const redirected = cookieOf(await fetch(login('/form', 'v', 'right')));
        await fetch({ target: '/me', headers: redirected });
        const refused = cookieOf(await fetch(login('/form', 'v', 'wrong')));
        await fetch({ target: '/sorry', headers: refused });
      },
      { masks: MASKS },
    );
    const codes = responses.map(({ statusCode }) => statusCode);
    expect(codes).toEqual([401, 200, 200, 302, 401, 401, 503, 400, 302, 200, 302, 200]);
    expect(responses[2]?.content.toString()).toBe('{"name":"u"}');
    expect(responses.at(-1)?.content.toString()).toBe('["Wrong password"]');
    expect(trail).toHaveLength(5);
  });
});
