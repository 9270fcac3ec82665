import { readVcard } from '@potentia/domain/whatsapp/rules/vcard';
import type { proto } from '@whiskeysockets/baileys';
import type { Normalised } from './normalised.ts';

/** Locations, and people's cards. */
export function normalisePlaces(message: proto.IMessage): Normalised | undefined {
  const { locationMessage: place, liveLocationMessage: live } = message;
  if (place) {
    const { degreesLatitude: latitude, degreesLongitude: longitude, name, address } = place;
    const content = { latitude, longitude, ...(name && { name }), ...(address && { address }) };
    return { type: place.isLive ? 'live_location' : 'location', content };
  }
  if (live) {
    const { degreesLatitude: latitude, degreesLongitude: longitude, caption, accuracyInMeters: accuracy_m } = live;
    const content = { latitude, longitude, ...(caption && { caption }), ...(accuracy_m && { accuracy_m }) };
    return { type: 'live_location', content };
  }
  const cards =
    message.contactsArrayMessage?.contacts ?? (message.contactMessage ? [message.contactMessage] : undefined);
  if (!cards) return undefined;
  const contacts = cards.slice(0, 100).map(({ displayName, vcard }) => readVcard(displayName ?? '', vcard ?? ''));
  return { type: 'contact', content: { contacts } };
}
