/** What the attacker's own enclave is good for (images/attests-anything.ts): to ask KMS in its name, and to stand before an app in its name. */
import { createHash, generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { DecryptCommand, type KMSClient } from '@aws-sdk/client-kms'
import type { Trust } from '../../client/trust.ts'
import { openEnvelope } from '../../enclave-sim/core/cms.ts'
import { buildImage } from '../../enclave-sim/image/build.ts'
import { channelKeyId, generateChannelKey, openRequest, serializeChannelKey } from '../../lib/protocol/channel.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import { encodeChannelBinding } from '../../lib/protocol/service.ts'
import type { LaunchedEnclave } from '../../local/enclave.ts'
import { endOf } from './codes.ts'
import { appFor, type World } from './world.ts'

type Inputs = Partial<Record<'publicKey' | 'userData' | 'nonce', Uint8Array>>

export interface Thief {
  readonly enclave: LaunchedEnclave
  attest(inputs: Inputs): Promise<Uint8Array>
}

/** @param configuration what it extends PCR16 with: any that it likes */
export async function startThief(world: World, configuration: Uint8Array): Promise<Thief> {
  const image = join(world.dir, 'thief')
  await buildImage({ root: world.root, entry: 'scripts/adversary/images/attests-anything.ts', outDir: image })
  const enclave = await world.launch(image, configuration)
  return {
    enclave,
    async attest(inputs) {
      const text = (bytes: Uint8Array | undefined): string => (bytes === undefined ? '' : Buffer.from(bytes).toString('base64'))
      const body = JSON.stringify({ publicKey: text(inputs.publicKey), userData: text(inputs.userData), nonce: text(inputs.nonce) })
      return new Uint8Array(await (await fetch(new URL('/attest', enclave.serviceUrl), { method: 'POST', body })).arrayBuffer())
    },
  }
}

/** Asks KMS for a record's data key, with an attestation for a key of the attacker's. */
export async function askForDataKey(thief: Thief, kms: KMSClient, keyArn: string, record: WalletRecord): Promise<{ end: string; dataKey: Uint8Array }> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
  const command = new DecryptCommand({
    KeyId: keyArn,
    CiphertextBlob: record.dataKey,
    EncryptionContext: { purpose: 'cloister/v1 wallet', owner: record.owner, wallet: record.wallet },
    Recipient: { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256', AttestationDocument: await thief.attest({ publicKey: spki }) },
  })
  let dataKey: Uint8Array = new Uint8Array()
  const open = (envelope: Uint8Array | undefined): Uint8Array =>
    openEnvelope(envelope as Uint8Array, { privateKey, id: new Uint8Array(createHash('sha256').update(spki).digest()) })
  const end = await endOf(kms.send(command).then(({ CiphertextForRecipient: envelope }) => (dataKey = open(envelope))))
  return { end, dataKey }
}

/** Offers an app a channel key of the attacker's, and opens what it seals to it. */
export async function standIn(world: World, thief: Thief, trust: Trust, pin: string): Promise<{ end: string; loot: Uint8Array[] }> {
  const { position } = world
  const pair = await generateChannelKey()
  const publicKey = await serializeChannelKey(pair.publicKey)
  const userData = encodeChannelBinding({ key: await channelKeyId(publicKey), notAfterMs: Date.now() + 3_600_000 })
  const loot: Uint8Array[] = []
  position.hooks = {
    attest: (nonce) => thief.attest({ publicKey, userData, nonce }),
    async request({ request }) {
      const opened = await openRequest(pair, request.header, request.enc, request.ciphertext)
      if (opened !== undefined) loot.push(opened.body)
      throw new Error('nothing to answer')
    },
  }
  try {
    const app = appFor(world, position, trust)
    return { end: await endOf(app.then((cloister) => cloister.wallets.create({ pin }))), loot }
  } finally {
    position.hooks = {}
  }
}
