import { z } from 'zod';
import { canvasRole, grantableRole } from '../canvas/schemas.ts';
import { cursor, id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';
import { normalAddress } from './rules/address.ts';
import { memberRole } from './schemas.ts';

/** An e-mail address in the form in which addresses are kept. */
export const address = z
  .string()
  .max(320)
  .overwrite((text) => normalAddress(text) ?? text)
  .refine((text) => normalAddress(text) !== undefined, 'Not an e-mail address');

export const invitationKind = z.enum(['workspace', 'canvas']);
export const invitationType = z.enum(['USER_ID', 'EMAIL']);
export const invitationStatus = z
  .enum(['pending', 'accepted', 'rejected', 'revoked', 'expired'])
  .meta({ id: 'InvitationStatus' });

// Outputs

const invitationFields = {
  id,
  workspace_id: id,
  type: invitationType,
  user_id: id.nullable().describe('Of a `USER_ID` invitation'),
  email: z.string().nullable().describe('Of an `EMAIL` invitation'),
  status: invitationStatus,
  expires_at: timestamp,
  invited_by: id.describe('Who sent it last'),
  sent_count: z.int(),
  last_sent_at: timestamp,
  responded_at: timestamp.nullable(),
  accepted_by: id.nullable(),
  created_at: timestamp,
};

export const workspaceInvitation = z
  .strictObject({ ...invitationFields, canvas_id: z.null(), role: memberRole })
  .meta({ id: 'WorkspaceInvitation' });
export const canvasInvitation = z
  .strictObject({ ...invitationFields, canvas_id: id, role: grantableRole })
  .meta({ id: 'CanvasInvitation' });
export type Invitation = z.infer<typeof workspaceInvitation> | z.infer<typeof canvasInvitation>;
export const workspaceInvitationPage = pageOf(workspaceInvitation).meta({ id: 'WorkspaceInvitationPage' });
export const canvasInvitationPage = pageOf(canvasInvitation).meta({ id: 'CanvasInvitationPage' });

export const myInvitation = z
  .strictObject({
    invitation_id: id,
    kind: invitationKind,
    workspace_id: id,
    workspace_name: z.string(),
    canvas_id: id.nullable(),
    canvas_title: z.string().nullable(),
    inviter_name: z.string(),
    role: z.string(),
    expires_at: timestamp,
    created_at: timestamp,
  })
  .meta({ id: 'MyInvitation' });
export const myInvitationPage = pageOf(myInvitation).meta({ id: 'MyInvitationPage' });
export type MyInvitationPage = z.infer<typeof myInvitationPage>;

export const invitationPreview = z
  .strictObject({ workspace_name: z.string(), inviter_name: z.string() })
  .meta({ id: 'InvitationPreview' });
export type InvitationPreview = z.infer<typeof invitationPreview>;

const answerFields = { invitation_id: id, status: z.enum(['accepted', 'rejected']) };
export const workspaceAnswer = z
  .strictObject({
    ...answerFields,
    role: memberRole.nullable().describe('Yours from now on; null after a rejection'),
    workspace: z.strictObject({ id, name: z.string(), icon: z.string().nullable() }).nullable(),
  })
  .meta({ id: 'WorkspaceInvitationAnswer' });
export const canvasAnswer = z
  .strictObject({
    ...answerFields,
    role: canvasRole.nullable().describe('Yours from now on, by all paths; null after a rejection'),
    canvas: z.strictObject({ id, workspace_id: id, title: z.string(), icon: z.string().nullable() }).nullable(),
  })
  .meta({ id: 'CanvasInvitationAnswer' });

// Inputs: each is the body or query of its HTTP route; verbs take it together with the ids of the path.

export const inviteToWorkspaceBody = z
  .strictObject({
    user_id: id.optional().describe('A person whom you know by id'),
    email: address.optional().describe('Anybody; only who signs in with this address can take it'),
    type: invitationType.optional().describe('Which of the two it is'),
    role: memberRole,
  })
  .refine((body) => (body.user_id === undefined) !== (body.email === undefined), 'Give either user_id or email')
  .refine(({ type, ...body }) => type === undefined || body[type === 'EMAIL' ? 'email' : 'user_id'] !== undefined, {
    path: ['type'],
    error: 'Not what is given',
  })
  .meta({ id: 'InviteToWorkspace' });
export const inviteToCanvasBody = z
  .strictObject({ email: address, type: z.literal('EMAIL').optional(), role: grantableRole })
  .meta({ id: 'InviteToCanvas' });

const limit = pageLimit(100);
export const listInvitationsQuery = z.strictObject({ cursor, limit, status: invitationStatus.optional() });
export const listMyInvitationsQuery = z.strictObject({ cursor, limit });

/** Any text: one that is no token is an unknown one. */
const token = z.string().min(1).max(200);
export const respondBody = z
  .strictObject({
    token: token.optional().describe('From the mail'),
    invitation_id: id.optional().describe('From your list of invitations'),
    response: z.enum(['accept', 'reject']),
  })
  .refine(
    (body) => (body.token === undefined) !== (body.invitation_id === undefined),
    'Give either token or invitation_id',
  )
  .meta({ id: 'RespondToInvitation' });
export const previewBody = z.strictObject({ token }).meta({ id: 'PreviewInvitation' });

const inWorkspace = { workspace_id: id };
const inCanvas = { canvas_id: id };
export const inviteToWorkspaceInput = inviteToWorkspaceBody.safeExtend(inWorkspace);
export const inviteToCanvasInput = inviteToCanvasBody.extend(inCanvas);
/** A place and one of its invitations. */
export const invitationRef = z.union([
  z.strictObject({ ...inWorkspace, invitation_id: id }),
  z.strictObject({ ...inCanvas, invitation_id: id }),
]);
export const listInvitationsInput = z.union([
  listInvitationsQuery.extend(inWorkspace),
  listInvitationsQuery.extend(inCanvas),
]);
export const respondInput = respondBody.safeExtend({ kind: invitationKind });
