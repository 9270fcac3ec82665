import { confirmToolCall } from '@potentia/domain/agent/confirm-tool-call';
import { declineToolCall } from '@potentia/domain/agent/decline-tool-call';
import { listToolCalls } from '@potentia/domain/agent/list-tool-calls';
import { listToolCallsQuery, toolCall, toolCallPage, toolCallRef } from '@potentia/domain/agent/tool-schemas';
import { undoToolCall } from '@potentia/domain/agent/undo-tool-call';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';

const TOOL_CALLS = '/api/v1/agent/tool-calls';
const tags = ['agent'];
const problems = [404, 409];

/** What tools do for a person: to look at, to confirm, to decline, to take back. */
export function toolCallRoutes(app: App, context: ApiContext): void {
  const listSchema = operation({
    operationId: 'listToolCalls',
    tags,
    access: 'person',
    summary: 'What tools did for you, and what waits for your word, the newest first',
    querystring: listToolCallsQuery,
    ok: { 200: toolCallPage },
  });
  app.get(TOOL_CALLS, { schema: listSchema }, (request) => listToolCalls(userCtx(context, request), request.query));

  const verbs = [
    {
      name: 'confirm',
      operationId: 'confirmToolCall',
      summary: 'Do what waits for your word',
      description:
        'Once, however often it is confirmed, and only before `expires_at`. Access is decided now: what fails is answered as a ' +
        'call whose `status` is `failed`. What others would notice by now, and would not have when you were asked, waits again.',
      verb: confirmToolCall,
    },
    {
      name: 'decline',
      operationId: 'declineToolCall',
      summary: 'Leave undone what waits for your word',
      description: 'Twice changes nothing.',
      verb: declineToolCall,
    },
    {
      name: 'undo',
      operationId: 'undoToolCall',
      summary: 'Take back what a tool did',
      description:
        'What was made goes, what was changed is as it was before. Not what was deleted or forgotten (`can_undo`), and not what ' +
        'somebody has changed since: 409. Twice changes nothing.',
      verb: undoToolCall,
    },
  ];
  for (const { name, operationId, summary, description, verb } of verbs) {
    const schema = operation({
      operationId,
      tags,
      access: 'person',
      summary,
      description,
      params: toolCallRef,
      ok: { 200: toolCall },
      problems: name === 'undo' ? [403, ...problems] : problems,
    });
    app.post(`${TOOL_CALLS}/:tool_call_id/${name}`, { schema }, (request) =>
      verb(userCtx(context, request), request.params),
    );
  }
}
