export { decodeUtf8, visible } from '../text.ts'
