/**
 * Browsers may report a language that Intl refuses, such as "en-US@posix" under LANG=C.UTF-8, and libraries pass it on
 * unchecked: a RangeError. This replaces such a language before any of them reads it.
 */

/** The first language that Intl takes, whole or up to its first foreign sign ("en-US" of "en-US@posix"); else "en". */
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
