import { utf8 } from '../../../lib/protocol/bytes.ts'
import { qrCode } from './qr.ts'

const NAMESPACE = 'http://www.w3.org/2000/svg'
const QUIET = 4

/** A QR code as one path, dark on white in either colour scheme: scanners want it so. Returns `null` for a text that is too long. */
export function qrSvg(text: string, label: string): SVGElement | null {
  const rows = qrCode(utf8(text))
  if (rows === undefined) return null
  const size = rows.length + 2 * QUIET
  const svg = document.createElementNS(NAMESPACE, 'svg')
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`)
  svg.setAttribute('class', 'qr')
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', label)
  const path = document.createElementNS(NAMESPACE, 'path')
  path.setAttribute('d', rows.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : ''))).join(''))
  svg.append(path)
  return svg
}
