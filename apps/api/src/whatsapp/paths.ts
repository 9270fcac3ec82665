/** Sessions, and one of them. */
export const SESSIONS = '/api/v1/whatsapp/sessions';
export const SESSION = `${SESSIONS}/:session_id`;

/** Milliseconds that an operation may take whose worker has to ask WhatsApp: a little more than the worker has for it. */
export const LIVE_DEADLINE_MS = 18_000;
