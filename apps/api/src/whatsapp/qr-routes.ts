import { pairingCodeAnswer, pairingCodeBody, qrAnswer, qrPageAnswer } from '@potentia/domain/whatsapp/door-schemas';
import { getQr } from '@potentia/domain/whatsapp/get-qr';
import { openQrPage } from '@potentia/domain/whatsapp/open-qr-page';
import { requestPairingCode } from '@potentia/domain/whatsapp/request-pairing-code';
import { sessionRef } from '@potentia/domain/whatsapp/session-schemas';
import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { LIVE_DEADLINE_MS, SESSION } from './paths.ts';
import { drawingAsked, PNG, qrBlocks, qrPng, qrSvg, SVG, TEXT } from './qr-image.ts';
import { QR_PAGE } from './qr-page-routes.ts';

const tags = ['whatsapp'];
const asAdmin = { tags, access: { session: 'admin' }, scope: 'workspace:admin' } as const;
const drawing = z.string().meta({ format: 'binary' });

const DRAW = { [PNG]: qrPng, [SVG]: qrSvg, [TEXT]: qrBlocks };

/** How a phone is linked to a session, for admins: each of these is a secret for as long as it lives. */
export function qrRoutes(app: App, context: ApiContext): void {
  const qrSchema = operation({
    ...asAdmin,
    operationId: 'getWhatsappQr',
    summary: 'The QR code to scan now',
    description:
      'By `Accept` as JSON, PNG, SVG or, for a terminal, text. A code lives for some seconds: ask again, or follow `…/events`. ' +
      '409 `whatsapp.no_qr` when none is shown, with the status of the session.',
    params: sessionRef,
    ok: {
      200: {
        description: 'As the client asked for it.',
        content: {
          'application/json': { schema: qrAnswer },
          [PNG]: { schema: drawing },
          [SVG]: { schema: drawing },
          [TEXT]: { schema: drawing },
        },
      },
    },
    problems: [404, 409],
  });
  app.get(`${SESSION}/qr`, { schema: qrSchema }, async (request, reply) => {
    const answer = await getQr(userCtx(context, request), request.params);
    reply.headers({ 'cache-control': 'no-store', vary: 'accept' });
    const type = drawingAsked(request.headers.accept);
    if (type === null) return answer;
    // Text and bytes pass the serializer, which knows JSON alone.
    reply.serializer((payload: unknown) => payload as string);
    return reply.type(type === TEXT ? `${TEXT}; charset=utf-8` : type).send(await DRAW[type](answer.qr));
  });

  const pageSchema = operation({
    ...asAdmin,
    operationId: 'openWhatsappQrPage',
    summary: 'A page that shows the code to whoever holds the phone',
    description:
      'It needs no login and follows the code by itself, for ten minutes, and for as long as you may see it.',
    params: sessionRef,
    ok: { 201: qrPageAnswer },
    problems: [404],
  });
  app.post(`${SESSION}/qr/page`, { schema: pageSchema }, async (request, reply) => {
    const { token, expires_at } = await openQrPage(userCtx(context, request), request.params);
    const base = context.config.PUBLIC_URL ?? `${request.protocol}://${request.host}`;
    reply.code(201).header('cache-control', 'no-store');
    // In the fragment, which a browser tells nobody.
    return { url: `${base.replace(/\/$/, '')}${QR_PAGE}#${token}`, expires_at };
  });

  const pairingSchema = operation({
    ...asAdmin,
    operationId: 'requestWhatsappPairingCode',
    summary: 'A code to type in on the phone, in place of scanning',
    params: sessionRef,
    body: pairingCodeBody,
    ok: { 200: pairingCodeAnswer },
    problems: [404, 409],
  });
  const config = { deadline_ms: LIVE_DEADLINE_MS };
  app.post(`${SESSION}/pairing-code`, { schema: pairingSchema, config }, async (request, reply) => {
    reply.header('cache-control', 'no-store');
    return requestPairingCode(userCtx(context, request), { ...request.body, ...request.params });
  });
}
