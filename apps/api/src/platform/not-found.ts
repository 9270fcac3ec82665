import { AppError } from '@potentia/domain/platform/errors';
import type { FastifyInstance } from 'fastify';
import { sendProblem } from './problem.ts';

/** `/a/:b` as an expression that its paths match. */
const expressionOf = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replaceAll(/[.+?^$()|[\]\\]/g, String.raw`\$&`).replaceAll(/:[a-z_]+/g, '[^/]+')}$`);

/** 404 for a path that nobody serves, 405 with `Allow` for one that is served under other methods. Before the routes. */
export function answerNotFound(app: FastifyInstance): void {
  const paths = new Map<string, { expression: RegExp; methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    if (url.includes('*')) return;
    const known = paths.get(url) ?? { expression: expressionOf(url), methods: new Set<string>() };
    for (const name of [method].flat()) known.methods.add(name);
    paths.set(url, known);
  });

  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '/';
    const allowed = [...paths.values()]
      .filter(({ expression }) => expression.test(path))
      .flatMap((p) => [...p.methods]);
    if (allowed.length === 0) {
      return sendProblem(new AppError('not_found', 'http.not_found', 'There is nothing at this path.'), request, reply);
    }
    reply.header('allow', allowed.sort().join(', '));
    return sendProblem(methodNotAllowed(request.method), request, reply);
  });
}

const methodNotAllowed = (method: string): AppError =>
  new AppError('invalid', 'http.method_not_allowed', `${method} is not answered at this path; see Allow.`);
