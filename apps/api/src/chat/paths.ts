export const CHAT = '/api/v1/chat';
export const CONTEXTS = `${CHAT}/contexts`;
export const CONTEXT = `${CONTEXTS}/:context_id`;
export const MESSAGES = `${CHAT}/messages`;
