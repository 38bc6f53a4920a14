/** Looks for secrets in a heap of bytes, in every form in which one is likely to be written. */

/** A secret's spellings: raw, hex, base64 and base64url at each alignment, decimal, and its bytes as a JSON array. */
function spellings(secret: Uint8Array): Buffer[] {
  const bytes = Buffer.from(secret)
  const found = [bytes, Buffer.from(bytes.toString('hex')), Buffer.from(bytes.toString('hex').toUpperCase())]
  for (let lead = 0; lead < 3; lead++) {
    // What comes before shifts the alignment; the first and last characters depend on the neighbours, so they are cut off.
    const text = Buffer.concat([Buffer.alloc(lead), bytes]).toString('base64').replace(/=+$/, '')
    const inner = text.slice(lead === 0 ? 0 : 4, -2)
    if (inner.length >= 8) found.push(Buffer.from(inner), Buffer.from(inner.replace(/\+/g, '-').replace(/\//g, '_')))
  }
  if (bytes.length >= 8) found.push(Buffer.from(BigInt(`0x${bytes.toString('hex')}`).toString(10)))
  found.push(Buffer.from([...bytes].join(',')), Buffer.from([...bytes].join(', ')))
  return found
}

/** Names of the secrets that are in the haystack, with the places. */
export function findLeaks(haystacks: Readonly<Record<string, Buffer>>, secrets: Readonly<Record<string, Uint8Array>>): string[] {
  const leaks: string[] = []
  for (const [name, secret] of Object.entries(secrets)) {
    for (const spelling of spellings(secret)) {
      for (const [place, haystack] of Object.entries(haystacks)) if (haystack.includes(spelling)) leaks.push(`${name} in ${place}`)
    }
  }
  return [...new Set(leaks)]
}
