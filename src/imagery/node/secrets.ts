/** What replaces a secret. */
const HIDDEN = '***';

/** Query parameters whose values are secrets, as tile services and presigned URLs of cloud storage name them. */
const NAMES =
  '(?:x-(?:amz|goog)-)?(?:(?:api|access|auth|security|subscription|client|app|map|sas)?[-_.]?(?:key|token|secret)|password|passwd|pwd|auth|authorization|sig|signature|credentials?)';
const PARAMETER = new RegExp(`([?&;](?:${NAMES})=)([^&;#\\s"'<>]*)`, 'gi');

/** The name and password in front of a host. */
const LOGIN = /(:\/\/)[^\s/?#@"'<>]+@/g;

/** Hides keys in texts: in everything that is printed, thrown or written. */
export type Redact = (text: string) => string;

/**
 * Hides the key, the values of headers, and the values of query parameters such as `apikey` or `token`, of the template
 * and of any other address in a text.
 */
export function redactor(template: string, key: string | undefined, headers: Readonly<Record<string, string>>): Redact {
  const literal = [...template.matchAll(PARAMETER)].map(([, , value]) => value!);
  // Of `Bearer abc`, a service may repeat only the second word.
  const words = Object.values(headers).flatMap((value) => [value, ...value.split(/\s+/).slice(1)]);
  const secrets = [key ?? '', ...literal, ...words]
    // A placeholder is no secret, and what it stands for is here by itself.
    .filter((text) => text !== '' && !/^\{[^{}]*\}$/.test(text))
    .flatMap((text) => [text, encodeURIComponent(text), decoded(text)])
    .sort((a, b) => b.length - a.length);
  return (text) => {
    let clean = text;
    for (const secret of secrets) clean = clean.replaceAll(secret, HIDDEN);
    return hideSecrets(clean);
  };
}

/** Hides the secrets of the URLs in a text: query parameters such as `apikey` or `X-Amz-Signature`, and name and password. */
export const hideSecrets = (text: string): string =>
  text
    .replaceAll(LOGIN, `$1${HIDDEN}@`)
    .replaceAll(PARAMETER, (whole, start: string, value: string) =>
      /^\{[^{}]*\}$/.test(value) ? whole : `${start}${HIDDEN}`,
    );

/** A value of a query as the service understands it; unchanged if it is not percent-encoded correctly. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
