import { makeId } from './ids.js';

const TIMEOUT_MS = 10_000;

/** What a service refused (RFC 9457), or `status` 0 when it could not be reached. */
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? problem.msg ?? problem.message ?? `The service answered ${status}`);
    this.name = 'ApiError';
    this.status = status;
    this.code = problem.code ?? problem.error_code ?? null;
  }
}

/** One request. Answers the body: JSON parsed, anything else as text, nothing as null. Throws `ApiError`. */
export async function requestJson(url, { method = 'GET', headers = {}, body } = {}) {
  const response = await fetch(url, { method, headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(
    (error) => {
      throw new ApiError(0, { detail: `No answer from ${new URL(url).host} (${error.message})` });
    },
  );
  const text = await response.text();
  const is_json = /\bjson\b/.test(response.headers.get('content-type') ?? '');
  const answer = text === '' ? null : is_json ? JSON.parse(text) : text;
  if (!response.ok) throw new ApiError(response.status, is_json ? answer : {});
  return answer;
}

/** The public API as one signed-in person. */
export function createApi(api_url, session) {
  async function request(method, path, { json, markdown, accept } = {}) {
    const send = async (token) => {
      const headers = { authorization: `Bearer ${token}` };
      if (accept !== undefined) headers.accept = accept;
      if (method === 'POST') headers['idempotency-key'] = key;
      if (json !== undefined) headers['content-type'] = 'application/json';
      if (markdown !== undefined) headers['content-type'] = 'text/markdown';
      const body = json === undefined ? markdown : JSON.stringify(json);
      return requestJson(`${api_url}/api/v1${path}`, { method, headers, body });
    };
    const key = makeId();
    try {
      return await send(await session.token());
    } catch (error) {
      if (error.status !== 401) throw error;
      return send(await session.token({ renew: true }));
    }
  }

  return {
    request,
    /** Also makes the person known to the API, so that others can share with them. */
    getMe: () => request('GET', '/me'),
    listCanvases: async () => (await request('GET', '/canvases?limit=50')).items,
    getCanvas: (id) => request('GET', `/canvases/${id}`),
    createCanvas: (title) => request('POST', '/canvases', { json: { title } }),
    renameCanvas: (id, title) => request('PATCH', `/canvases/${id}/meta`, { json: { title } }),
    listMembers: async (id) => (await request('GET', `/canvases/${id}/members`)).items,
    share: (id, user_id, role) => request('POST', `/canvases/${id}/members`, { json: { user_id, role } }),
    shareLink: (id) => request('POST', `/canvases/${id}/share-links`, { json: {} }),
    importMarkdown: (id, markdown) => request('POST', `/canvases/${id}/import`, { markdown }),
    exportMarkdown: (id) => request('GET', `/canvases/${id}/export`),
  };
}
