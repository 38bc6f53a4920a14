/** The AWS query protocol's answers: XML, by hand, since there is so little of it. */

export interface XmlFields {
  readonly [name: string]: string | XmlFields
}

const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/'

export function resultXml(action: string, result: XmlFields, requestId: string): string {
  return document(`${action}Response`, { [`${action}Result`]: result, ResponseMetadata: { RequestId: requestId } })
}

export function errorXml(code: string, message: string, requestId: string, type: 'Sender' | 'Receiver'): string {
  return document('ErrorResponse', { Error: { Type: type, Code: code, Message: message }, RequestId: requestId })
}

function document(root: string, fields: XmlFields): string {
  return `<${root} xmlns="${namespace}">${elements(fields)}</${root}>\n`
}

function elements(fields: XmlFields): string {
  return Object.entries(fields).map(([name, value]) => {
    return `<${name}>${typeof value === 'string' ? escape(value) : elements(value)}</${name}>`
  }).join('')
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
