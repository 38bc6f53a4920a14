/** Bitcoin vectors: BIP-143, -322, -340, -341, PSBT, sighashes. */
import { skipAll } from './folder.ts'

export const runBtc = skipAll('Bitcoin is not there yet')
