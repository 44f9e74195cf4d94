/** An absolute `http:` or `https:` address without query or fragment. */
export function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text) || /[?#\s]/.test(text)) return false;
  const { protocol, hostname } = new URL(text);
  return /^https?:$/.test(protocol) && hostname !== '';
}

/** Whether an address holds `USER:PASSWORD@`. */
export const hasCredentials = (text: string): boolean =>
  new URL(text).username !== '' || new URL(text).password !== '';
