/** Text that strangers wrote, made fit to be shown: what can't be seen is written out. */

/**
 * Control, direction and zero-width characters, blanks that look like nothing, variation selectors, private use and tags. Listed, not named by
 * Unicode property: engines know different versions of Unicode, and app and enclave must come to the same summary.
 */
const HIDDEN = new RegExp(
  [
    '[\\u{0}-\\u{8}\\u{b}\\u{c}\\u{e}-\\u{1f}\\u{7f}-\\u{9f}\\u{ad}\\u{34f}\\u{61c}\\u{115f}\\u{1160}\\u{17b4}\\u{17b5}\\u{180b}-\\u{180f}',
    '\\u{200b}-\\u{200f}\\u{2028}-\\u{202e}\\u{2060}-\\u{206f}\\u{2800}\\u{3164}\\u{d800}-\\u{f8ff}\\u{fe00}-\\u{fe0f}\\u{feff}\\u{ffa0}',
    '\\u{fff0}-\\u{ffff}\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{10ffff}]|\\r(?!\\n)',
  ].join(''),
  'gu',
)

/** The text with each hidden character as `\u{…}`. Tab and line ends, with or without carriage return, are ordinary. */
export function visible(text: string): { readonly text: string; readonly isHidden: boolean } {
  const shown = text.replace(HIDDEN, (char) => `\\u{${(char.codePointAt(0) as number).toString(16)}}`)
  return { text: shown, isHidden: shown !== text }
}

/** UTF-8 as text; `undefined` for anything else. A byte order mark stays. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
