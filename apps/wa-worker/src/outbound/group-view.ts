import type { Db } from '@potentia/db/client';
import { takeGroups } from '@potentia/db/wa/inbound-queries';
import { type GroupRow, readGroups } from '@potentia/db/wa/people-queries';
import { fromDb } from '@potentia/domain/platform/db-errors';
import type { WhatsappGroup } from '@potentia/domain/whatsapp/door-schemas';
import { isSamePerson, personOfAll, roomOf } from '@potentia/domain/whatsapp/rules/jid';
import type { GroupMetadata } from '@whiskeysockets/baileys';
import type { HeldSession } from '../session/parts.ts';

/** Groups as WhatsApp has them now, as callers see them: kept, and with both ids of everybody. Throws `lease.lost`. */
export async function viewGroups(db: Db, held: HeldSession, found: readonly GroupMetadata[]): Promise<WhatsappGroup[]> {
  if (found.length === 0) return [];
  await fromDb(() => takeGroups(db, held, found.map(toGroup)));
  const ids = found.map(({ id }) => roomOf(id).group_id);
  const known = new Map((await fromDb(() => readGroups(db, held.session_id, ids))).map((row) => [row.group_id, row]));
  return found.map((group) => toView(group, known.get(roomOf(group.id).group_id)));
}

export async function viewGroup(db: Db, held: HeldSession, found: GroupMetadata): Promise<WhatsappGroup> {
  const [group] = await viewGroups(db, held, [found]);
  return group as WhatsappGroup;
}

const toGroup = ({ id, subject, participants }: GroupMetadata) => ({
  group_id: roomOf(id).group_id,
  subject: subject || null,
  participants: participants.map((member) => ({
    ...personOfAll(member.id, member.lid, member.phoneNumber),
    role: member.admin ?? ('member' as const),
  })),
});

function toView(found: GroupMetadata, known: GroupRow | undefined): WhatsappGroup {
  const participants = known?.participants ?? [];
  const owner = personOfAll(found.owner, found.ownerPn);
  const isOwner = ({ contact: { lid, phone } }: GroupRow['participants'][number]): boolean =>
    isSamePerson(owner, { ...(lid && { lid }), ...(phone && { phone }) });
  return {
    group_id: roomOf(found.id).group_id,
    chat_id: known?.chat_id ?? null,
    subject: found.subject || null,
    description: found.desc ?? null,
    created_at: found.creation ? new Date(found.creation * 1_000).toISOString() : null,
    owner: participants.find(isOwner)?.contact ?? null,
    participants,
    is_announcement: found.announce ?? false,
    is_locked: found.restrict ?? false,
  };
}
