/** Wildcards and policy variables (IAM User Guide, "IAM policy elements: Variables and tags"). */
import type { RequestContext } from './conditions.ts'

/** Stands for a literal `*`, `?` or `$` inside a pattern: private-use characters, refused in what is matched. */
const literals: Readonly<Record<string, string>> = { '*': '\uE000', '?': '\uE001', $: '$' }

/**
 * Replaces `${key}` by the key's value, and `${*}`, `${?}`, `${$}` by that character. What a variable brings in is literal: a user whose
 * name is `*` matches `*` alone. Returns `undefined` when a key is absent or multivalued: then the value matches nothing.
 *
 * @param globs - whether the result is matched by {@link matchesGlob}
 */
export function resolveVariables(text: string, context: RequestContext, globs: boolean): string | undefined {
  let missing = false
  const resolved = text.replace(/\$\{([^}]*)\}/g, (_whole, name: string) => {
    if (Object.hasOwn(literals, name)) return globs ? (literals[name] as string) : name
    const value = context.get(name.toLowerCase())
    if (typeof value !== 'string') {
      missing = true
      return ''
    }
    return globs ? value.replace(/[*?]/g, (wildcard) => literals[wildcard] as string) : value
  })
  return missing ? undefined : resolved
}

/** `*` is any run of characters, `?` any one; case matters. */
export function matchesGlob(pattern: string, value: string): boolean {
  if (/[\uE000\uE001]/.test(value)) return false
  let source = ''
  for (const character of pattern) {
    if (character === '*') source += '.*'
    else if (character === '?') source += '.'
    else if (character === '\uE000') source += '\\*'
    else if (character === '\uE001') source += '\\?'
    else source += character.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)
  }
  return new RegExp(`^${source}$`, 'su').test(value)
}
