import { qrPageBody, qrPageState } from '@potentia/domain/whatsapp/door-schemas';
import { readQrPage } from '@potentia/domain/whatsapp/read-qr-page';
import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';
import { qrSvg } from './qr-image.ts';
import { QR_PAGE_CSP, QR_PAGE_HTML } from './qr-page.ts';

export const QR_PAGE = '/api/v1/whatsapp/qr-page';
const HTML = 'text/html';

/** The page itself, the same for everybody, and what it asks every second with its token. */
export function qrPageRoutes(app: App, context: ApiContext): void {
  const pageSchema = operation({
    operationId: 'showWhatsappQrPage',
    tags: ['whatsapp'],
    auth: false,
    summary: 'The page that shows how to link a session',
    ok: { 200: { description: 'HTML.', content: { [HTML]: { schema: z.string() } } } },
  });
  app.get(QR_PAGE, { schema: pageSchema, config: { auth: 'none', limited: true } }, (_request, reply) => {
    reply.serializer((payload: unknown) => payload as string);
    return reply
      .headers({ 'content-security-policy': QR_PAGE_CSP, 'cache-control': 'no-store' })
      .type(`${HTML}; charset=utf-8`)
      .send(QR_PAGE_HTML);
  });

  const stateSchema = operation({
    operationId: 'readWhatsappQrPage',
    tags: ['whatsapp'],
    auth: false,
    summary: 'What that page shows now',
    description:
      'The token of the page, in the body, is all that it takes; it ends with its time or with the right of who made it.',
    body: qrPageBody,
    ok: { 200: qrPageState },
    problems: [404],
  });
  app.post(QR_PAGE, { schema: stateSchema, config: { auth: 'none', limited: true } }, async (request, reply) => {
    const { qr, pairing, ...session } = await readQrPage(context, request.body);
    reply.header('cache-control', 'no-store');
    return {
      ...session,
      qr: qr && { svg: await qrSvg(qr.text), serial: qr.serial, expires_at: qr.expires_at },
      pairing_code: pairing && { code: pairing.text, expires_at: pairing.expires_at },
    };
  });
}
