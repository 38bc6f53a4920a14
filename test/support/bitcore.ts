/** bitcore-lib's script interpreter: an implementation of all rules that Bitcoin Core's standardness knows, taproot's too, and written by others. */
import { createRequire } from 'node:module'

export interface Spent {
  /** Satoshis. */
  readonly amount: bigint
  readonly script: Uint8Array
}

interface Bitcore {
  readonly Transaction: (new (bytes: Buffer) => BitcoreTransaction) & { readonly Output: new (from: { satoshis: number; script: unknown }) => unknown }
  readonly Script: { fromBuffer(bytes: Buffer): unknown; readonly Interpreter: (new () => BitcoreInterpreter) & Readonly<Record<string, number>> }
  readonly crypto: { readonly BN: { fromString(text: string): unknown } }
}
interface BitcoreTransaction {
  readonly inputs: { script: unknown; output: unknown; getWitnesses?(): readonly Buffer[]; witnesses?: readonly Buffer[] }[]
}
interface BitcoreInterpreter {
  readonly errstr: string
  verify(scriptSig: unknown, scriptPubkey: unknown, tx: unknown, index: number, flags: number, witness: readonly Buffer[], satoshis: number): boolean
}

const { Transaction, Script } = createRequire(__filename)('bitcore-lib') as Bitcore
const { Interpreter } = Script
const FLAGS = ['P2SH', 'STRICTENC', 'DERSIG', 'LOW_S', 'NULLDUMMY', 'SIGPUSHONLY', 'MINIMALDATA', 'WITNESS', 'NULLFAIL', 'WITNESS_PUBKEYTYPE', 'TAPROOT', 'CHECKLOCKTIMEVERIFY', 'CHECKSEQUENCEVERIFY']
  .map((name) => Interpreter[`SCRIPT_VERIFY_${name}`] as number)
  .reduce((all, flag) => all | flag, 0)

/** What is wrong with each input of a signed transaction; empty where nothing is. */
export function scriptErrors(signed: Uint8Array, spent: readonly Spent[]): readonly string[] {
  const tx = new Transaction(Buffer.from(signed))
  for (const [i, { amount, script }] of spent.entries()) {
    const input = tx.inputs[i]
    if (input !== undefined) input.output = new Transaction.Output({ satoshis: Number(amount), script: Script.fromBuffer(Buffer.from(script)) })
  }
  if (tx.inputs.length !== spent.length) return ['another number of inputs']
  return tx.inputs.flatMap((input, i) => {
    const { amount, script } = spent[i] as Spent
    const interpreter = new Interpreter()
    const witness = input.getWitnesses?.() ?? input.witnesses ?? []
    const isValid = interpreter.verify(input.script, Script.fromBuffer(Buffer.from(script)), tx, i, FLAGS, witness, Number(amount))
    return isValid ? [] : [`${i}: ${interpreter.errstr}`]
  })
}
