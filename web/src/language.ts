/**
 * Browsers may report a language that Intl refuses with a RangeError, such as "en-US@posix" under LANG=C.UTF-8. Libraries
 * pass it on unchecked, so this replaces it before they read it.
 */

/** The first language that Intl accepts, in full or up to the first invalid character ("en-US" of "en-US@posix"); otherwise "en". */
function usableLanguage(reported: readonly unknown[]): string {
  for (const language of reported) {
    if (typeof language !== "string") continue;
    const found = [language, /^[a-z\d-]+/i.exec(language)?.[0] ?? ""].find(isLanguage);
    if (found !== undefined) return found;
  }
  return "en";
}

/** https://www.rfc-editor.org/rfc/rfc5646#section-2.1 */
function isLanguage(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}

const { language, languages } = window.navigator;
const usable = usableLanguage([language, ...(languages ?? [])]);
if (usable !== language) {
  Object.defineProperty(window.navigator, "language", { value: usable, configurable: true });
  Object.defineProperty(window.navigator, "languages", { value: [usable], configurable: true });
}
