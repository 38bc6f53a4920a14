import { fromHex, utf8, wipe } from '../../../lib/protocol/bytes.ts'
import { wipeDeep } from '../../../lib/protocol/cbor.ts'
import type { ImportedSecret } from '../../../lib/protocol/lifecycle.ts'
import type { App, Screen } from '../app.ts'
import { button, field, form, h, submitButton } from '../dom.ts'
import { choosePin } from '../pin-dialog.ts'
import { wishes } from './create.ts'
import { home } from './home.ts'
import { showRecovery } from './recovery-code.ts'
import { topBar, wallets } from './wallets.ts'

/** Recovery words, or an Ethereum private key in hex. */
function secretOf(text: string): ImportedSecret | undefined {
  const words = text.normalize('NFKD').toLowerCase().trim().split(/\s+/)
  if (words.length >= 12) return { kind: 'mnemonic', mnemonic: utf8(words.join(' ')), passphrase: new Uint8Array() }
  const key = words.length === 1 ? fromHex((words[0] as string).replace(/^0x/, '')) : undefined
  return key?.length === 32 ? { kind: 'secp256k1', key } : undefined
}

export function importScreen(app: App): Screen {
  const secret = field({
    label: 'Recovery words or private key', rows: 4,
    hint: '12 to 24 English words, or 64 hex digits of an Ethereum key. Sealed in this page, opened in the enclave.',
    attributes: { autocapitalize: 'off', autocorrect: 'off', spellcheck: 'false' },
  })
  const chosen = wishes()
  const submit = async (): Promise<void> => {
    const imported = secretOf(secret.input.value)
    if (imported === undefined) return secret.complain('These are neither recovery words nor a private key.')
    secret.complain('')
    const wallet = await app.attempt('The enclave takes your keys in …', async () => {
      const options = chosen.read()
      const pin = await choosePin('Choose a PIN')
      return app.cloister.wallets.import(imported, { ...options, pin }).finally(() => wipe(pin))
    }).finally(() => wipeDeep(imported))
    if (wallet === undefined) return
    secret.input.value = ''
    app.wallet = wallet
    const goOn = (): void => void home(app, wallet)
    if (wallet.recovery === null) goOn()
    else await showRecovery(app, wallet.recovery, goOn)
  }
  return {
    title: 'Import a wallet',
    header: topBar(app),
    content: [form(() => void submit(), secret.element, chosen.element, h('div', { class: 'actions' }, submitButton('Choose a PIN'), button('Back', 'quiet', () => void wallets(app))))],
  }
}
