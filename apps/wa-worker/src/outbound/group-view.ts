import type { Db } from '@potentia/db/client';
import { takeGroups } from '@potentia/db/wa/inbound-queries';
import { readGroup } from '@potentia/db/wa/people-queries';
import { fromDb } from '@potentia/domain/platform/db-errors';
import { personOfAll, roomOf } from '@potentia/domain/whatsapp/rules/jid';
import type { GroupMetadata } from '@whiskeysockets/baileys';
import type { HeldSession } from '../session/parts.ts';

/** A group as WhatsApp has it now, as callers see it: kept, and with both ids of everybody. Throws `lease.lost`. */
export async function viewGroup(db: Db, held: HeldSession, found: GroupMetadata) {
  const { group_id } = roomOf(found.id);
  const participants = found.participants.map(({ id, lid, phoneNumber, admin }) => ({
    ...personOfAll(id, lid, phoneNumber),
    role: admin ?? ('member' as const),
  }));
  await fromDb(() => takeGroups(db, held, [{ group_id, subject: found.subject || null, participants }]));
  const group = await fromDb(() => readGroup(db, held.session_id, group_id));
  const owner = personOfAll(found.owner, found.ownerPn);
  const isOwner = ({ contact }: { contact: { lid: string | null; phone: string | null } }): boolean =>
    (owner.lid !== undefined && contact.lid === owner.lid) ||
    (owner.phone !== undefined && contact.phone === owner.phone);
  return {
    group_id,
    chat_id: group?.chat_id ?? null,
    subject: found.subject || null,
    description: found.desc ?? null,
    created_at: found.creation ? new Date(found.creation * 1_000).toISOString() : null,
    owner: group?.participants.find(isOwner)?.contact ?? null,
    participants: group?.participants ?? [],
    is_announcement: found.announce ?? false,
    is_locked: found.restrict ?? false,
  };
}
