/** The EIP-1193 provider without a chain: who may ask what, every error code, every event; EIP-6963; the wagmi connector. */
import { announceProvider } from '../../client/adapters/eip6963.ts'
import { cloisterProvider, ProviderRpcError, type CloisterProvider, type ProviderOptions, type RpcRequest } from '../../client/adapters/eip1193.ts'
import { cloisterConnector } from '../../client/adapters/wagmi.ts'
import type { EthereumAccount } from '../../client/ethereum.ts'
import { CloisterError, type ErrorCode } from '../../lib/protocol/errors.ts'

const ADDRESS = '0x3535353535353535353535353535353535353535'
const OTHER = '0x000000000000000000000000000000000000dEaD'

/** Signs whatever it is asked, or fails. */
function fakeAccount(fail?: () => Error): EthereumAccount {
  const done = async (): Promise<never> => {
    if (fail !== undefined) throw fail()
    return { signature: '0xsigned', rawTransaction: '0x02raw' } as never
  }
  return { address: ADDRESS, signTransaction: jest.fn(done), signMessage: jest.fn(done), signTypedData: jest.fn(done) } as unknown as EthereumAccount
}

function make(options: Partial<ProviderOptions> = {}, account = fakeAccount()) {
  const asked: RpcRequest[] = []
  const answers: Record<string, unknown> = {
    eth_getTransactionCount: '0x5', eth_estimateGas: '0x5208', eth_getBlockByNumber: { baseFeePerGas: '0x64' }, eth_maxPriorityFeePerGas: '0x1', eth_gasPrice: '0x9',
    eth_sendRawTransaction: '0xhash', eth_blockNumber: '0x10',
  }
  const rpc = async (request: RpcRequest): Promise<unknown> => {
    asked.push(request)
    if (!Object.hasOwn(answers, request.method)) throw new ProviderRpcError(-32601, 'no such method')
    return answers[request.method]
  }
  const provider = cloisterProvider({ accounts: async () => [account], chains: [{ chainId: 1, rpc }, { chainId: 10 }], ...options })
  const ask = (method: string, ...params: unknown[]): Promise<unknown> => provider.request({ method, params })
  return { provider, ask, asked, answers, account }
}

async function connected(...args: Parameters<typeof make>) {
  const made = make(...args)
  await made.ask('eth_requestAccounts')
  return made
}

test('accounts are shown once they were asked for, and forgotten when revoked', async () => {
  const { ask, provider } = make()
  const changes: unknown[] = []
  const connects: unknown[] = []
  provider.on('accountsChanged', (accounts) => void changes.push(accounts)).on('connect', (info) => void connects.push(info))
  expect(await ask('eth_accounts')).toEqual([])
  expect(await ask('wallet_getPermissions')).toEqual([])
  expect(await ask('eth_requestAccounts')).toEqual([ADDRESS])
  expect(await ask('eth_requestAccounts')).toEqual([ADDRESS])
  expect(await ask('eth_accounts')).toEqual([ADDRESS])
  expect(await ask('eth_coinbase')).toBe(ADDRESS)
  expect(await ask('wallet_requestPermissions', { eth_accounts: {} })).toEqual([
    { parentCapability: 'eth_accounts', caveats: [{ type: 'restrictReturnedAccounts', value: [ADDRESS] }] },
  ])
  await ask('wallet_revokePermissions', { eth_accounts: {} })
  expect(await ask('eth_accounts')).toEqual([])
  expect(changes).toEqual([[ADDRESS], []])
  expect(connects).toEqual([{ chainId: '0x1' }])
})

test('chains: which one, switching, and the listener that was removed hears nothing', async () => {
  const { ask, provider } = make()
  const changes: string[] = []
  const listener = (id: string): void => void changes.push(id)
  provider.on('chainChanged', listener)
  expect([await ask('eth_chainId'), await ask('net_version')]).toEqual(['0x1', '1'])
  expect(await ask('wallet_switchEthereumChain', { chainId: '0xa' })).toBeNull()
  expect(await ask('wallet_switchEthereumChain', { chainId: '0xa' })).toBeNull()
  expect(await ask('eth_chainId')).toBe('0xa')
  expect(changes).toEqual(['0xa'])
  provider.removeListener('chainChanged', listener)
  await ask('wallet_switchEthereumChain', { chainId: '0x1' })
  expect(changes).toEqual(['0xa'])
})

test('adding a chain: asked for, its RPC asked who it is, then switched to', async () => {
  const wanted = { chainId: '0x89', chainName: 'Polygon', rpcUrls: ['https://rpc.test'] }
  const rpcSays = (chainId: string) => jest.fn(async () => Response.json({ jsonrpc: '2.0', id: 1, result: chainId })) as unknown as typeof fetch
  const approveChain = jest.fn(async () => true)
  const { ask } = make({ approveChain, fetch: rpcSays('0x89') })
  expect(await ask('wallet_addEthereumChain', wanted)).toBeNull()
  expect(await ask('eth_chainId')).toBe('0x89')
  expect(approveChain).toHaveBeenCalledWith({ chainId: 137, rpcUrl: 'https://rpc.test', name: 'Polygon' })
  await expect(make({ approveChain, fetch: rpcSays('0x1') }).ask('wallet_addEthereumChain', wanted)).rejects.toMatchObject({ code: -32602 })
  await expect(make({ approveChain: async () => false }).ask('wallet_addEthereumChain', wanted)).rejects.toMatchObject({ code: 4001 })
  await expect(make().ask('wallet_addEthereumChain', wanted)).rejects.toMatchObject({ code: 4200 })
  await expect(make({ approveChain }).ask('wallet_addEthereumChain', { ...wanted, rpcUrls: ['http://rpc.test'] })).rejects.toMatchObject({ code: -32602 })
})

test('eth_sendTransaction fills in nonce, gas and fees, signs for the chain that is selected, and sends', async () => {
  const { ask, account, asked } = await connected()
  expect(await ask('eth_sendTransaction', { from: ADDRESS, to: OTHER, value: '0x2' })).toBe('0xhash')
  expect(account.signTransaction).toHaveBeenCalledWith(
    { chainId: 1, nonce: 5n, gas: 0x5208n, data: '0x', value: 2n, to: OTHER, maxFeePerGas: 201n, maxPriorityFeePerGas: 1n },
    {},
  )
  expect(asked.at(-1)).toEqual({ method: 'eth_sendRawTransaction', params: ['0x02raw'] })
})

test('fees: as given; of old chains; where the chain has no opinion', async () => {
  const { ask, account, answers } = await connected()
  const last = (): unknown => jest.mocked(account.signTransaction).mock.calls.at(-1)?.[0]
  await ask('eth_signTransaction', { from: ADDRESS, gasPrice: '0x7', gas: '0x1', nonce: '0x0' })
  expect(last()).toEqual({ chainId: 1, nonce: 0n, gas: 1n, data: '0x', value: 0n, gasPrice: 7n })
  await ask('eth_signTransaction', { from: ADDRESS, maxFeePerGas: '0x5', maxPriorityFeePerGas: '0x9' })
  expect(last()).toMatchObject({ maxFeePerGas: 5n, maxPriorityFeePerGas: 5n })
  delete answers['eth_maxPriorityFeePerGas']
  await ask('eth_signTransaction', { from: ADDRESS })
  expect(last()).toMatchObject({ maxFeePerGas: 1_000_000_200n, maxPriorityFeePerGas: 1_000_000_000n })
  answers['eth_getBlockByNumber'] = {}
  await ask('eth_signTransaction', { from: ADDRESS })
  expect(last()).toMatchObject({ gasPrice: 9n })
})

test('messages are signed for the chain that is selected; hex is bytes, other text is text', async () => {
  const { ask, account } = await connected()
  await ask('wallet_switchEthereumChain', { chainId: '0xa' })
  await ask('personal_sign', '0x6869', ADDRESS)
  await ask('personal_sign', ADDRESS, 'hi')
  for (const call of jest.mocked(account.signMessage).mock.calls) expect(call).toEqual([new TextEncoder().encode('hi'), { chainId: 10 }])
  await ask('eth_signTypedData_v4', ADDRESS, '{}')
  expect(account.signTypedData).toHaveBeenCalledWith('{}', { chainId: 10 })
})

test('other methods go to the chain’s RPC, its errors come back', async () => {
  const { ask, asked } = make()
  expect(await ask('eth_blockNumber')).toBe('0x10')
  await expect(ask('eth_nonsense')).rejects.toMatchObject({ code: -32601 })
  expect(asked.map(({ method }) => method)).toEqual(['eth_blockNumber', 'eth_nonsense'])
})

describe('refuses', () => {
  const transaction = { from: ADDRESS, to: OTHER }
  test.each<[number, string, readonly unknown[], string]>([
    [4100, 'eth_sendTransaction', [{ ...transaction, from: OTHER }], 'another account'],
    [4100, 'personal_sign', ['0x00', OTHER], 'another account'],
    [4100, 'eth_signTypedData_v4', [OTHER, '{}'], 'another account'],
    [4200, 'eth_sign', [ADDRESS, '0x00'], 'blind signing'],
    [4200, 'eth_signTypedData', [], 'an old version'],
    [4200, 'eth_signTypedData_v3', [ADDRESS, '{}'], 'an old version'],
    [4200, 'personal_ecRecover', [], 'a node’s own accounts'],
    [4200, 'wallet_watchAsset', [], 'what it does not do'],
    [4902, 'wallet_switchEthereumChain', [{ chainId: '0x539' }], 'an unknown chain'],
    [-32602, 'wallet_switchEthereumChain', [{ chainId: 1 }], 'a chain id that is no hex'],
    [-32602, 'wallet_switchEthereumChain', [{ chainId: '0x01' }], 'a chain id with a leading zero'],
    [-32602, 'wallet_switchEthereumChain', [], 'nothing'],
    [-32602, 'wallet_addEthereumChain', [{ chainId: '0x539' }], 'a chain without RPC'],
    [-32602, 'wallet_requestPermissions', [{ eth_accounts: {}, snap: {} }], 'other permissions'],
    [-32602, 'personal_sign', [7, ADDRESS], 'no text'],
    [-32602, 'personal_sign', ['0x00', 'nobody'], 'no address'],
    [-32602, 'eth_signTypedData_v4', [ADDRESS, 7], 'no typed data'],
    [-32602, 'eth_sendTransaction', [], 'nothing'],
    [-32602, 'eth_sendTransaction', [{ ...transaction, value: 'much' }], 'no number'],
    [-32602, 'eth_sendTransaction', [{ ...transaction, to: '0x12' }], 'no address'],
    [-32602, 'eth_sendTransaction', [{ ...transaction, data: '0x123' }], 'half a byte'],
    [-32602, 'eth_sendTransaction', [{ ...transaction, chainId: '0xa' }], 'another chain'],
    [-32602, 'eth_sendTransaction', [{ ...transaction, data: '0x01', input: '0x02' }], 'two kinds of data'],
    [-32602, 'eth_sendTransaction', [{ ...transaction, gasPrice: '0x1', maxFeePerGas: '0x1' }], 'two kinds of fees'],
    [-32602, 'eth_sendTransaction', [{ ...transaction, type: '0x3' }], 'a type that it can’t fill in'],
    [-32602, 'eth_sendTransaction', [{ ...transaction, surprise: '0x1' }], 'a field that it does not know'],
  ])('%i %s: %s %s', async (code, method, params) => {
    const { ask, account } = await connected()
    await expect(ask(method, ...params)).rejects.toMatchObject({ name: 'ProviderRpcError', code })
    expect(account.signTransaction).not.toHaveBeenCalled()
  })

  test('4100 whoever did not ask for the accounts', async () => {
    const { ask } = make()
    await expect(ask('personal_sign', '0x00', ADDRESS)).rejects.toMatchObject({ code: 4100 })
    await expect(ask('eth_sendTransaction', transaction)).rejects.toMatchObject({ code: 4100 })
  })
  test('4100 a user who has no account; 4001 one who declines', async () => {
    await expect(make({ accounts: async () => [] }).ask('eth_requestAccounts')).rejects.toMatchObject({ code: 4100 })
    await expect(make({ accounts: async () => Promise.reject(new CloisterError('declined')) }).ask('eth_requestAccounts')).rejects.toMatchObject({ code: 4001 })
  })
  test('4900 once closed', async () => {
    const { ask, provider } = await connected()
    const errors: ProviderRpcError[] = []
    provider.on('disconnect', (error) => void errors.push(error))
    provider.close()
    provider.close()
    expect(errors.map(({ code }) => code)).toEqual([4900])
    await expect(ask('eth_chainId')).rejects.toMatchObject({ code: 4900 })
  })
  test('4901 a chain without RPC, or whose RPC is away', async () => {
    const { ask } = await connected()
    await ask('wallet_switchEthereumChain', { chainId: '0xa' })
    await expect(ask('eth_blockNumber')).rejects.toMatchObject({ code: 4901 })
    await expect(ask('eth_sendTransaction', transaction)).rejects.toMatchObject({ code: 4901 })
    const away = make({ chains: [{ chainId: 1, rpc: 'https://rpc.test' }], fetch: async () => Promise.reject(new TypeError('away')) })
    await expect(away.ask('eth_blockNumber')).rejects.toMatchObject({ code: 4901 })
  })
  test('-32600 what is no request', async () => {
    const { provider } = make()
    await expect(provider.request(undefined as unknown as RpcRequest)).rejects.toMatchObject({ code: -32600 })
    await expect(provider.request({ method: 7 } as unknown as RpcRequest)).rejects.toMatchObject({ code: -32600 })
    await expect(provider.request({ method: 'toString' })).rejects.toMatchObject({ code: -32601 })
    await expect(provider.request({ method: 'eth_accounts', params: {} })).rejects.toMatchObject({ code: -32602 })
  })

  const guesses = { guessesLeft: 3, lockedUntilMs: 0, wrongTotal: 2 }
  test.each<[ErrorCode, number]>([
    ['declined', 4001], ['pin_wrong', 4100], ['wallet_locked', 4100], ['token_expired', 4100], ['payload_not_permitted', 4100], ['payload_kind_unknown', 4200],
    ['rate_limited', -32005], ['busy', -32005], ['tx_malformed', -32602], ['typed_data_malformed', -32602], ['network', -32603], ['attestation_chain', -32603],
  ])('Cloister’s %s is %i, with its code and guesses', async (code, expected) => {
    const { ask } = await connected({}, fakeAccount(() => new CloisterError(code, { guesses, retryAfterSec: 2 })))
    await expect(ask('personal_sign', '0x00', ADDRESS)).rejects.toMatchObject({ code: expected, data: { code, guesses, retryAfterSec: 2 } })
  })
  test('an app that aborts has rejected; anything else says nothing of itself', async () => {
    const { ask } = await connected({}, fakeAccount(() => new DOMException('closed', 'AbortError')))
    await expect(ask('personal_sign', '0x00', ADDRESS)).rejects.toMatchObject({ code: 4001 })
    const broken = await connected({}, fakeAccount(() => new Error('secret inside')))
    await expect(broken.ask('personal_sign', '0x00', ADDRESS)).rejects.toMatchObject({ code: -32603, message: 'Internal error' })
  })
})

test('EIP-6963: announced at once, and to each who asks, until stopped', () => {
  const page = new EventTarget()
  const seen: { info: { uuid: string; rdns: string }; provider: unknown }[] = []
  page.addEventListener('eip6963:announceProvider', (event) => void seen.push((event as CustomEvent).detail))
  const { provider } = make()
  const stop = announceProvider(provider, { name: 'App', icon: 'data:image/svg+xml,<svg/>', rdns: 'com.example.app' }, page)
  page.dispatchEvent(new Event('eip6963:requestProvider'))
  stop()
  page.dispatchEvent(new Event('eip6963:requestProvider'))
  expect(seen).toHaveLength(2)
  expect(seen[0]).toBe(seen[1])
  expect(Object.isFrozen(seen[0]) && Object.isFrozen(seen[0]?.info)).toBe(true)
  expect(seen[0]?.info.uuid).toMatch(/^[0-9a-f-]{36}$/)
  expect(seen[0]?.provider).toBe(provider)
})

describe('the wagmi connector', () => {
  const chain = (id: number) => ({ id, name: `chain ${id}`, nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: ['https://rpc.test'] } } })
  function connector(provider: CloisterProvider) {
    const events: unknown[][] = []
    const emitter = { emit: (...event: unknown[]) => void events.push(event) }
    return { events, wagmi: cloisterConnector({ provider: async () => provider })({ chains: [chain(1), chain(10), chain(137)], emitter }) }
  }

  test('connects, switches, follows the provider, and disconnects', async () => {
    const { provider } = make()
    const { wagmi, events } = connector(provider)
    expect([wagmi.id, wagmi.name, wagmi.type]).toEqual(['cloister', 'Cloister', 'cloister'])
    expect(await wagmi.isAuthorized()).toBe(false)
    expect(await wagmi.connect({ chainId: 10 })).toEqual({ accounts: [ADDRESS], chainId: 10 })
    expect(await wagmi.isAuthorized()).toBe(true)
    expect(await wagmi.connect({ isReconnecting: true, withCapabilities: true })).toEqual({ accounts: [{ address: ADDRESS, capabilities: {} }], chainId: 10 })
    expect(await wagmi.switchChain({ chainId: 1 })).toMatchObject({ id: 1 })
    expect(events).toEqual([['change', { chainId: 10 }], ['change', { chainId: 1 }]])
    provider.disconnectAccounts()
    expect(events.at(-1)).toEqual(['disconnect'])
    await wagmi.disconnect()
    expect(await wagmi.getAccounts()).toEqual([])
  })

  test('a chain that the provider lacks is added; one that the config lacks is refused', async () => {
    const approveChain = jest.fn(async () => true)
    const { provider } = make({ approveChain, fetch: async () => Response.json({ result: '0x89' }) })
    const { wagmi } = connector(provider)
    await wagmi.connect()
    await wagmi.switchChain({ chainId: 137 })
    expect(await wagmi.getChainId()).toBe(137)
    await expect(wagmi.switchChain({ chainId: 5 })).rejects.toMatchObject({ code: 4902 })
    await expect(connector(make({ accounts: async () => Promise.reject(new CloisterError('declined')) }).provider).wagmi.connect()).rejects.toMatchObject({ code: 4001 })
  })
})
