/** What is to be signed: every chain, every kind of payload, and the parts that they are read by. */
import { toBytes, serializeTransaction } from 'viem'
import { decodeSigned, encodeSigned } from '../../../lib/chains/bitcoin/transaction.ts'
import { MAINNET } from '../../../lib/chains/bitcoin/networks.ts'
import { parsePath } from '../../../lib/chains/bitcoin/paths.ts'
import { readMaps, writeMaps } from '../../../lib/chains/bitcoin/psbt-maps.ts'
import { readPsbt } from '../../../lib/chains/bitcoin/psbt.ts'
import { allChains } from '../../../lib/chains/registry.ts'
import { summaryValue } from '../../../lib/chains/chain.ts'
import { decodeArguments, parseTypes } from '../../../lib/chains/ethereum/calls/abi.ts'
import { describeCall } from '../../../lib/chains/ethereum/calls/describe.ts'
import { parseJson } from '../../../lib/chains/ethereum/json.ts'
import { readTransaction as readEthereum } from '../../../lib/chains/ethereum/transaction.ts'
import { readUserOperationJson } from '../../../lib/chains/ethereum/user-operation-fields.ts'
import { readHash } from '../../../lib/chains/ethereum/hash.ts'
import { readPersonalMessage } from '../../../lib/chains/ethereum/personal.ts'
import { readRlpList, type RlpItem } from '../../../lib/chains/ethereum/rlp.ts'
import { readSignIn } from '../../../lib/chains/ethereum/siwe.ts'
import { decodeUtf8 } from '../../../lib/chains/text.ts'
import { readTypedData } from '../../../lib/chains/ethereum/typed-data.ts'
import { parseStrictJson } from '../../../lib/chains/ethereum/strict-json.ts'
import { readLegacy } from '../../../lib/chains/ethereum/typed-data/legacy.ts'
import { readTypes } from '../../../lib/chains/ethereum/typed-data/types.ts'
import { readValue } from '../../../lib/chains/ethereum/typed-data/values.ts'
import { resolveLookups } from '../../../lib/chains/solana/lookup-tables.ts'
import { readMessage } from '../../../lib/chains/solana/offchain-message.ts'
import { readTransaction } from '../../../lib/chains/solana/transaction.ts'
import { concat, fromHex, utf8 } from '../../../lib/protocol/bytes.ts'
import { encodeCbor, type CborValue } from '../../../lib/protocol/cbor.ts'
import { PAYLOAD_KINDS, type PayloadKind } from '../../../lib/protocol/operations.ts'
import { vectors } from '../core-vectors.ts'
import { b } from './protocol.ts'
import { bytesTarget, codes, malformed, row, textTarget, valueTarget, type Row } from './target.ts'

const TO = '0x000000000000000000000000000000000000dEaD'
const SOLANA = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'
const hex = (text: string): Uint8Array => fromHex(text.replaceAll(' ', '')) as Uint8Array
const transaction = (fields: object): Uint8Array => toBytes(serializeTransaction({ chainId: 1, nonce: 1, to: TO, value: 1n, gas: 21_000n, ...fields }))
const eip1559 = { type: 'eip1559', maxFeePerGas: 20_000_000_000n, maxPriorityFeePerGas: 1n }
const word = (value: number): string => value.toString(16).padStart(64, '0')

const CALLS: readonly Uint8Array[] = [
  hex(`a9059cbb ${word(0xdead)} ${word(5)}`),
  hex(`095ea7b3 ${word(0xdead)} ${'ff'.repeat(32)}`),
  // multicall(bytes[]) of a transfer
  hex(`ac9650d8 ${word(32)} ${word(1)} ${word(32)} ${word(68)} a9059cbb ${word(0xdead)} ${word(5)} ${'00'.repeat(28)}`),
]
const ETHEREUM = [
  transaction(eip1559), transaction({ type: 'legacy', gasPrice: 5n }), transaction({ ...eip1559, to: undefined, data: `0x${'ab'.repeat(60)}` }),
  transaction({ ...eip1559, accessList: [{ address: TO, storageKeys: [`0x${'11'.repeat(32)}`] }] }), ...CALLS.map((data) => transaction({ ...eip1559, data: `0x${Buffer.from(data).toString('hex')}` })),
]
const SIGN_IN = [
  'example.com wants you to sign in with your Ethereum account:', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed', '', 'I accept the terms.', '', 'URI: https://example.com/login', 'Version: 1',
  'Chain ID: 1', 'Nonce: 32891756', 'Issued At: 2021-09-30T16:25:24Z', 'Expiration Time: 2021-10-30T16:25:24Z', 'Request ID: x', 'Resources:', '- ipfs://a', '- https://b.example/',
].join('\n')
const TYPED = JSON.stringify({
  types: {
    EIP712Domain: [{ name: 'name', type: 'string' }, { name: 'version', type: 'string' }, { name: 'chainId', type: 'uint256' }, { name: 'verifyingContract', type: 'address' }],
    Person: [{ name: 'name', type: 'string' }, { name: 'wallets', type: 'address[]' }, { name: 'scores', type: 'int8[2][]' }],
    Mail: [{ name: 'from', type: 'Person' }, { name: 'to', type: 'Person[]' }, { name: 'data', type: 'bytes' }, { name: 'id', type: 'bytes4' }, { name: 'ok', type: 'bool' }],
  },
  primaryType: 'Mail',
  domain: { name: 'Mail', version: '1', chainId: 1, verifyingContract: '0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC' },
  message: { from: { name: 'Cow', wallets: [TO], scores: [[1, -2]] }, to: [{ name: 'Bob', wallets: [], scores: [] }], data: '0x1234', id: '0x01020304', ok: true },
})
const PERMIT = JSON.stringify({
  types: {
    EIP712Domain: [{ name: 'name', type: 'string' }, { name: 'chainId', type: 'uint256' }, { name: 'verifyingContract', type: 'address' }],
    Permit: [{ name: 'owner', type: 'address' }, { name: 'spender', type: 'address' }, { name: 'value', type: 'uint256' }, { name: 'nonce', type: 'uint256' }, { name: 'deadline', type: 'uint256' }],
  },
  primaryType: 'Permit',
  domain: { name: 'Token', chainId: '1', verifyingContract: TO },
  message: { owner: TO, spender: TO, value: '115792089237316195423570985008687907853269984665640564039457584007913129639935', nonce: 0, deadline: '0xffff' },
})
const LEGACY = [{ type: 'string', name: 'Message', value: 'Hi' }, { type: 'uint32', name: 'A number', value: '1337' }, { type: 'bytes3', name: 'b', value: '0x010203' }]

/** Two signers, a program, and instructions of the system and token programs; version 0 looks accounts up as well. */
const TOKEN_PROGRAM = hex('06ddf6e1d765a193d9cbe146ceeb79ac1cb485ed5f5b37913a8cf5857eff00a9')
const solanaHead = (required: number, keys: readonly Uint8Array[]): Uint8Array => concat(Uint8Array.of(required, 0, 2, keys.length), ...keys, b(32, 7))
const instructions = concat(
  Uint8Array.of(2), Uint8Array.of(3, 2, 0, 2, 12), hex('02000000 e803000000000000'), Uint8Array.of(4, 3, 2, 1, 0, 9), hex('03 0a00000000000000'),
)
const solanaKeys = [b(32, 1), b(32, 2), b(32, 3), new Uint8Array(32), TOKEN_PROGRAM]
const solanaLegacy = concat(Uint8Array.of(1), new Uint8Array(64), solanaHead(1, solanaKeys), instructions)
const solanaV0 = concat(Uint8Array.of(2), new Uint8Array(128), Uint8Array.of(0x80), solanaHead(2, solanaKeys), instructions, Uint8Array.of(1), b(32, 8), Uint8Array.of(1, 0, 1, 1))
const TABLES = { tables: [{ key: b(32, 8), addresses: [b(32, 21), b(32, 22)] }] }
const OFFCHAIN = [
  utf8('hello, Solana'), concat(Uint8Array.of(0xff), utf8('solana offchain'), Uint8Array.of(0), b(32, 5), Uint8Array.of(0, 1), b(32, 6), Uint8Array.of(2, 0), utf8('hi')),
  concat(Uint8Array.of(0xff), utf8('solana offchain'), Uint8Array.of(0, 0, 2, 0), utf8('hi')), concat(Uint8Array.of(0xff), utf8('solana offchain'), Uint8Array.of(1, 1), b(32, 6), utf8('héllo')),
]

const AUTHORIZATION = hex(`05 d7 01 94 ${'dd'.repeat(20)} 80`)
/** Kaia's value transfer, and its sender's signature: somebody's, which is warned of. */
const kaiaSignature = `f845 82 4056 a0 ${'11'.repeat(32)} a0 ${'22'.repeat(32)}`
const kaiaItems = hex(`01 02 825208 94 ${'dd'.repeat(20)} 05 94 ${'ee'.repeat(20)} f847 ${kaiaSignature}`)
const FEE_PAYER = concat(Uint8Array.of(0x09, 0xf8, kaiaItems.length), kaiaItems)
const USER_OPERATION = JSON.stringify({
  entryPoint: '0x0000000071727De22E5E9d8BAf0edAc6f37da032',
  userOperation: {
    sender: TO, nonce: '0x1', callData: '0xa9059cbb', callGasLimit: '0x1', verificationGasLimit: '0x2', preVerificationGas: '0x3', maxFeePerGas: '0x4', maxPriorityFeePerGas: '0x5',
  },
})
const script = hex(`0014 ${'ab'.repeat(20)}`)
const unsigned = concat(hex(`02000000 01 ${'cd'.repeat(32)} 00000000 00 ffffffff 01 e803000000000000 16`), script, hex('00000000'))
/** One input, which says what it spends, and one output. */
const PSBT = concat(hex('70736274ff 0100'), Uint8Array.of(unsigned.length), unsigned, hex('00 0101 1f d007000000000000 16'), script, hex('00 00'))

/** Of the vectors, those that are read. */
function realPsbts(): Uint8Array[] {
  const all = vectors<{ readonly section: string; readonly v: unknown }>('btc/core-rpc_psbt.json').flatMap(({ section, v }) => (section === 'valid' && typeof v === 'string' ? [new Uint8Array(Buffer.from(v, 'base64'))] : []))
  return all.filter((bytes) => {
    try {
      return readPsbt(bytes).tx.inputs.length > 0
    } catch {
      return false
    }
  })
}

/** What each chain reads, by kind; a chain that is not here, or a kind, is fed everybody's. */
interface Sample {
  readonly chain: string
  readonly data: Uint8Array
  readonly context: CborValue
}
const sample = (chain: string, data: readonly Uint8Array[], context: CborValue = null): Sample[] => data.map((one) => ({ chain, data: one, context }))
const SAMPLES: Readonly<Record<string, readonly Sample[]>> = {
  'eip155 transaction': sample('eip155:1', ETHEREUM),
  'eip155 authorization': sample('eip155:1', [AUTHORIZATION]),
  'eip155 userOperation': sample('eip155:1', [utf8(USER_OPERATION)]),
  'eip155 feePayer': sample('eip155:8217', [FEE_PAYER]),
  'bip122 transaction': sample(MAINNET.id, [PSBT]),
  'eip155 message': sample('eip155:1', [utf8('hello'), utf8(SIGN_IN), b(32, 0xfe)]),
  'eip155 typedData': [...sample('eip155:1', [utf8(TYPED), utf8(PERMIT)]), ...sample('eip155:1', [utf8(JSON.stringify(LEGACY))], { version: 'V1' })],
  'eip155 hash': sample('eip155:1', [b(32)]),
  'solana transaction': [...sample(SOLANA, [solanaLegacy]), ...sample(SOLANA, [solanaV0], TABLES)],
  'solana message': sample(SOLANA, OFFCHAIN),
}
const ANY: readonly Sample[] = Object.values(SAMPLES).flat()

/** Two more, by the functions that they reach. */
const REACHED: Readonly<Record<string, readonly string[]>> = {
  'bip122 transaction': ['lib/chains/bitcoin/psbt-plan.ts readTransaction'],
  'bip122 message': ['lib/chains/bitcoin/messages.ts readMessage'],
  'bip122 hash': ['lib/chains/bitcoin/messages.ts readHash'],
  'eip155 authorization': ['lib/chains/ethereum/authorization.ts readAuthorization'],
  'eip155 userOperation': ['lib/chains/ethereum/user-operation.ts readUserOperation'],
  'eip155 feePayer': ['lib/chains/kaia/fee-payer.ts readFeePayerRequest', 'lib/chains/kaia/types.ts readKaiaTransaction', 'lib/chains/kaia/signatures.ts readSigners'],
  'eip155 transaction': ['lib/chains/kaia/sender.ts readSenderRequest'],
}
/** A chain of each namespace. */
const CHAINS: Readonly<Record<string, string>> = { eip155: 'eip155:1', solana: SOLANA, bip122: MAINNET.id }

const refusals = codes('tx_*', 'chain_unknown', 'payload_kind_unknown', 'payload_not_permitted', 'parameters_malformed', 'message_malformed', 'typed_data_malformed', 'account_path_invalid')

/** All that a reading of this chain may do, short of signing: the summary is what people are shown, and it must be encodable. */
function readAll(kind: PayloadKind, { chain, data, context }: Sample): true {
  const found = allChains().find(({ namespace }) => chain.startsWith(`${namespace}:`)) ?? allChains()[0]
  const reading = found?.read({ chain, kind, data, context })
  const publicKey = found?.curve === 'ed25519' ? b(32, 1) : hex('0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798')
  const path = found?.path(0) ?? 'm'
  const chainCode = found?.derivesBelow(path) === true ? b(32) : null
  const account = { namespace: found?.namespace ?? '', path, address: found?.address({ path, publicKey, chainCode }) ?? '', publicKey, chainCode }
  const permissions = { exportable: true, rawHash: true, withoutChainId: true, anySighash: true }
  try {
    const plan = reading?.plan({ account, accounts: [account], permissions })
    if (plan !== undefined) encodeCbor(summaryValue(plan.summary))
  } catch (error) {
    if (!refusals(error)) throw error // another account's, say
  }
  return true
}

function readSigned(kind: PayloadKind, payload: Sample): true {
  try {
    return readAll(kind, payload)
  } catch (error) {
    if (codes('payload_kind_unknown')(error)) return true
    throw error
  }
}

/** A new chain, or a new kind, is tried from the day that it is registered. */
const chainRows: readonly Row[] = allChains().flatMap((chain) =>
  PAYLOAD_KINDS.map((kind) =>
    row([`lib/chains ${chain.namespace} ${kind}`, ...(REACHED[`${chain.namespace} ${kind}`] ?? [])], () => {
      const own = SAMPLES[`${chain.namespace} ${kind}`]
      const seeds = own ?? ANY.map((one) => ({ ...one, chain: CHAINS[chain.namespace] ?? `${chain.namespace}:1` }))
      return valueTarget('cbor', {
        seeds,
        // Without samples of its own, what is read of the others' is whatever it is; and a kind that is not signed yet is refused whole.
        decode(input) {
          const { chain: id, data, context } = (input ?? {}) as Partial<Sample>
          if (typeof id !== 'string' || !(data instanceof Uint8Array) || context === undefined) return undefined
          try {
            return readSigned(kind, { chain: id, data, context })
          } catch (error) {
            if (own !== undefined || !refusals(error)) throw error
            return true
          }
        },
        throws: refusals,
      })
    }),
  ),
)

/** The same data, deep in its own form: RLP, JSON, raw bytes. */
const formRows: readonly Row[] = Object.entries(SAMPLES).map(([name, samples]) =>
  row(`lib/chains data ${name}`, () => {
    const form = ['eip155 typedData', 'eip155 userOperation'].includes(name) ? 'json' : name.startsWith('eip155') && !name.endsWith('message') ? 'rlp' : 'raw'
    const [first] = samples as readonly [Sample]
    const same = samples.filter(({ context }) => context === first.context)
    return bytesTarget(form, { seeds: same.map(({ data }) => data), decode: (data) => readSigned(name.split(' ')[1] as PayloadKind, { ...first, data }), throws: codes('tx_*', 'chain_unknown', 'parameters_malformed', 'message_malformed', 'typed_data_malformed') })
  }),
)

function encodeRlp(item: RlpItem): Uint8Array {
  const isBytes = item instanceof Uint8Array
  const content = isBytes ? item : concat(...item.map(encodeRlp))
  if (isBytes && content.length === 1 && (content[0] as number) < 0x80) return content
  const base = isBytes ? 0x80 : 0xc0
  if (content.length <= 55) return concat(Uint8Array.of(base + content.length), content)
  const length = hex(content.length.toString(16).padStart(content.length > 0xffff ? 6 : content.length > 0xff ? 4 : 2, '0'))
  return concat(Uint8Array.of(base + 55 + length.length), length, content)
}

const solanaError = codes('tx_*', 'parameters_malformed', 'message_malformed')
const typed = (name: string): string => `lib/chains/ethereum/typed-data/${name}`

export const chainsRows: readonly Row[] = [
  ...chainRows,
  ...formRows,
  row(['lib/chains/ethereum/transaction.ts readTransaction', 'lib/chains/ethereum/fields.ts readFields'], () => bytesTarget('rlp', { seeds: ETHEREUM, decode: readEthereum, throws: codes('tx_*') })),
  row('lib/chains/ethereum/json.ts parseJson', () => bytesTarget('json', { seeds: [utf8(TYPED), utf8('[1,{"a":"b"}]')], decode: parseJson, throws: codes('tx_malformed') })),
  row('lib/chains/ethereum/user-operation-fields.ts readUserOperationJson', () => bytesTarget('json', { seeds: [utf8(USER_OPERATION)], decode: readUserOperationJson, throws: codes('tx_*') })),
  row('lib/chains/bitcoin/psbt.ts readPsbt', () => bytesTarget('raw', { seeds: [PSBT, ...realPsbts()], decode: readPsbt, throws: codes('tx_*') })),
  row('lib/chains/bitcoin/psbt-maps.ts readMaps', () => bytesTarget('raw', { seeds: [PSBT], decode: readMaps, encode: writeMaps, throws: codes('tx_*') })),
  row('lib/chains/bitcoin/transaction.ts decodeSigned', () =>
    bytesTarget('raw', { seeds: [encodeSigned(readPsbt(PSBT).tx, [{ scriptSig: b(0), witness: [b(64), b(33)] }])], decode: decodeSigned, throws: (error) => error instanceof Error && !(error instanceof RangeError) })),
  row('lib/chains/bitcoin/paths.ts parsePath', () => textTarget({ seeds: ["m/84'/0'/0'", "m/86'/1'/5'"], decode: parsePath })),
  row('lib/chains/ethereum/rlp.ts readRlpList', () => bytesTarget('rlp', { seeds: ETHEREUM.map((bytes) => (bytes[0] === 2 ? bytes.subarray(1) : bytes)), decode: readRlpList, encode: encodeRlp, throws: codes('tx_*') })),
  row('lib/chains/ethereum/calls/abi.ts decodeArguments', () => bytesTarget('raw', { seeds: [hex(`${word(32)} ${word(1)} ${word(32)} ${word(3)} ${'ab'.repeat(3)}${'00'.repeat(29)}`)], decode: (data) => decodeArguments(parseTypes('bytes[]'), data), throws: malformed })),
  row(['lib/chains/ethereum/calls/describe.ts describeCall', 'lib/chains/ethereum/calls/abi.ts parseTypes'], () => bytesTarget('raw', { seeds: [...CALLS, new Uint8Array()], decode: (data) => describeCall({ chain: 'eip155:1', from: TO, to: TO, value: 1n, data }) })),
  row('lib/chains/ethereum/hash.ts readHash', () => bytesTarget('raw', { seeds: [b(32)], decode: (data) => readHash({ kind: 'hash', chain: 'eip155:1', data, context: null }), throws: codes('message_malformed') })),
  row('lib/chains/ethereum/personal.ts readPersonalMessage', () => bytesTarget('raw', { seeds: [utf8(SIGN_IN), utf8('hi'), b(40, 255)], decode: (data) => readPersonalMessage({ kind: 'message', chain: 'eip155:1', data, context: null }), throws: codes('tx_chain_id_mismatch', 'tx_too_large') })),
  row('lib/chains/ethereum/siwe.ts readSignIn', () => textTarget({ seeds: [SIGN_IN, SIGN_IN.replace('example.com w', 'https://example.com w')], decode: readSignIn })),
  row('lib/chains/text.ts decodeUtf8', () => bytesTarget('raw', { seeds: [utf8('héllo'), utf8('\ufeffx')], decode: decodeUtf8, encode: (text) => utf8(text) })),
  row('lib/chains/ethereum/typed-data.ts readTypedData', () => bytesTarget('json', { seeds: [utf8(TYPED), utf8(PERMIT)], decode: (data) => readTypedData({ kind: 'typedData', chain: 'eip155:1', data, context: null }), throws: codes('typed_data_malformed', 'tx_chain_id_mismatch', 'tx_too_large') })),
  row('lib/chains/ethereum/strict-json.ts parseStrictJson', () => textTarget({ seeds: [TYPED, PERMIT, '[1,-2,"a\\u00e9\\n",{"a":{}}]', ' null '], decode: parseStrictJson, throws: malformed })),
  row(typed('types.ts readTypes'), () => textTarget({ seeds: [JSON.stringify((JSON.parse(TYPED) as { types: unknown }).types)], decode: (text) => readTypes(parseStrictJson(text)), throws: malformed })),
  row(typed('legacy.ts readLegacy'), () => textTarget({ seeds: [JSON.stringify(LEGACY)], decode: (text) => readLegacy(parseStrictJson(text)), throws: malformed })),
  row(typed('values.ts readValue'), () =>
    valueTarget('json', {
      seeds: [['uint8', '255'], ['int256', -5], ['bytes', '0x'], ['bytes32', `0x${'00'.repeat(32)}`], ['address', TO], ['bool', true], ['string', 'é'], ['uint', '0x10']],
      decode(pair) {
        const [type, value] = Array.isArray(pair) ? (pair as unknown[]) : []
        const known = ['uint8', 'int256', 'bytes', 'bytes32', 'address', 'bool', 'string', 'uint'].find((name) => name === type)
        return known === undefined ? undefined : readValue(known, parseStrictJson(JSON.stringify(value ?? null)))
      },
      throws: malformed,
    })),
  row(['lib/chains/solana/transaction.ts readTransaction', 'lib/chains/solana/instruction.ts readInstruction'], () => bytesTarget('raw', { seeds: [solanaV0], decode: (data) => readTransaction(data, TABLES), throws: solanaError })),
  row('lib/chains/solana/offchain-message.ts readMessage', () => bytesTarget('raw', { seeds: OFFCHAIN, decode: readMessage, throws: solanaError })),
  row('lib/chains/solana/lookup-tables.ts resolveLookups', () => valueTarget('cbor', { seeds: [null, { tables: [] }], decode: (context) => resolveLookups([], context as CborValue), throws: solanaError })),
]
