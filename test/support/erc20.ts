/** A token of a few opcodes, written for these tests: `balanceOf`, `transfer`, and its event. Whoever deploys it has the whole supply. */
import { toFunctionSelector, toEventSelector, type Hex } from 'viem'

export const ERC20_ABI = [
  { type: 'function', name: 'balanceOf', stateMutability: 'view', inputs: [{ name: 'owner', type: 'address' }], outputs: [{ type: 'uint256' }] },
  { type: 'function', name: 'transfer', stateMutability: 'nonpayable', inputs: [{ name: 'to', type: 'address' }, { name: 'amount', type: 'uint256' }], outputs: [{ type: 'bool' }] },
  {
    type: 'event', name: 'Transfer',
    inputs: [{ name: 'from', type: 'address', indexed: true }, { name: 'to', type: 'address', indexed: true }, { name: 'value', type: 'uint256', indexed: false }],
  },
] as const

export const SUPPLY = 10n ** 24n

const OPCODES: Readonly<Record<string, number>> = {
  ADD: 0x01, SUB: 0x03, LT: 0x10, EQ: 0x14, SHR: 0x1c, CALLER: 0x33, CALLDATALOAD: 0x35, CODECOPY: 0x39, MSTORE: 0x52, SLOAD: 0x54, SSTORE: 0x55, JUMPI: 0x57,
  JUMPDEST: 0x5b, DUP1: 0x80, DUP2: 0x81, DUP3: 0x82, SWAP1: 0x90, LOG3: 0xa3, RETURN: 0xf3, REVERT: 0xfd,
}

/** `0x…` pushes bytes, `@name` pushes a label's place, `name:` is a label. */
function assemble(source: string): Uint8Array {
  const words = source.trim().split(/\s+/)
  const labels = new Map<string, number>()
  const bytes: (number | string)[] = []
  for (const word of words) {
    if (word.endsWith(':')) {
      labels.set(word.slice(0, -1), bytes.length)
      bytes.push(OPCODES['JUMPDEST'] as number)
    } else if (word.startsWith('@')) bytes.push(0x60, word.slice(1))
    else if (word.startsWith('0x')) bytes.push(0x5f + (word.length - 2) / 2, ...Buffer.from(word.slice(2), 'hex'))
    else bytes.push(OPCODES[word] as number)
  }
  return Uint8Array.from(bytes, (byte) => (typeof byte === 'string' ? (labels.get(byte) as number) : byte))
}

const RUNTIME = assemble(`
  0x00 CALLDATALOAD 0xe0 SHR
  DUP1 ${toFunctionSelector('balanceOf(address)')} EQ @balance JUMPI
  DUP1 ${toFunctionSelector('transfer(address,uint256)')} EQ @transfer JUMPI
  fail: 0x00 0x00 REVERT
  balance: 0x04 CALLDATALOAD SLOAD 0x00 MSTORE 0x20 0x00 RETURN
  transfer:
  0x24 CALLDATALOAD CALLER SLOAD DUP2 DUP2 LT @fail JUMPI
  DUP2 SWAP1 SUB CALLER SSTORE
  0x04 CALLDATALOAD DUP1 SLOAD DUP3 ADD SWAP1 SSTORE
  0x00 MSTORE
  0x04 CALLDATALOAD CALLER ${toEventSelector('Transfer(address,address,uint256)')} 0x20 0x00 LOG3
  0x01 0x00 MSTORE 0x20 0x00 RETURN
`)

const hex = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`

function deployment(offset: number): Uint8Array {
  return assemble(`
    0x${SUPPLY.toString(16).padStart(64, '0')} CALLER SSTORE
    ${hex(RUNTIME.length)} ${hex(offset)} 0x00 CODECOPY ${hex(RUNTIME.length)} 0x00 RETURN
  `)
}

export const ERC20_BYTECODE: Hex = `0x${Buffer.concat([deployment(deployment(0).length), RUNTIME]).toString('hex')}`
