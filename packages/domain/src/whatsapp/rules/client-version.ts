/** `2.3000.1043857760` as its three numbers; null for what is no version of WhatsApp's web client. */
export function parseVersion(text: string): [number, number, number] | null {
  const found = /^(\d{1,4})\.(\d{1,6})\.(\d{1,12})$/.exec(text);
  return found ? [Number(found[1]), Number(found[2]), Number(found[3])] : null;
}
