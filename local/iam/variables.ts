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

/** `*` is any run of characters, `?` any one; case matters. Steps are at most the product of the two lengths, whatever stars there are. */
export function matchesGlob(pattern: string, value: string): boolean {
  if (/[\uE000\uE001]/.test(value)) return false
  const [wanted, given] = [Array.from(pattern), Array.from(value)]
  let at = 0
  let next = 0
  /** The last star, and how much of the value it takes: enough to go back to, for an earlier one could take no more that matters. */
  let star: { readonly after: number; from: number } | undefined
  while (next < given.length) {
    if (wanted[at] === '*') star = { after: ++at, from: next }
    else if (at < wanted.length && matchesOne(wanted[at] as string, given[next] as string)) [at, next] = [at + 1, next + 1]
    else if (star !== undefined) [at, next] = [star.after, ++star.from]
    else return false
  }
  return wanted.slice(at).every((character) => character === '*')
}

function matchesOne(wanted: string, given: string): boolean {
  return wanted === '?' || (wanted === '\uE000' ? '*' : wanted === '\uE001' ? '?' : wanted) === given
}
