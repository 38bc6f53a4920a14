/** The adapters, each with its real library, an enclave in this process, and a real chain (anvil). */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { BrowserProvider, Contract, JsonRpcProvider, verifyMessage as ethersVerifyMessage, verifyTypedData as ethersVerifyTypedData } from 'ethers'
import {
  createPublicClient, createWalletClient, custom, defineChain, http, parseEther, toHex, verifyMessage, verifyTypedData, type Hex, type PublicClient,
} from 'viem'
import { verifyAuthorization } from 'viem/utils'
import { CloisterSigner } from '../../client/adapters/ethers.ts'
import { cloisterProvider, type CloisterProvider } from '../../client/adapters/eip1193.ts'
import { cloisterAccount } from '../../client/adapters/viem.ts'
import { ethereum, type EthereumAccount } from '../../client/ethereum.ts'
import { LOCAL_CHAIN_ID, startChain, type LocalChain } from '../../local/chain.ts'
import { anyFreePort } from '../../local/ports.ts'
import { ERC20_ABI, ERC20_BYTECODE, SUPPLY } from '../support/erc20.ts'
import { testKind } from '../support/kinds.ts'
import { createSdkWorld, type SdkWorld } from '../support/sdk-world.ts'

const root = join(__dirname, '../..')
const PIN = '493817'
const TO = '0x000000000000000000000000000000000000dEaD' as const
const TYPED = {
  domain: { name: 'Mail', version: '1', chainId: LOCAL_CHAIN_ID, verifyingContract: TO },
  types: { Mail: [{ name: 'to', type: 'address' }, { name: 'amount', type: 'uint256' }, { name: 'text', type: 'string' }] },
  primaryType: 'Mail',
  message: { to: TO, amount: 2n ** 200n, text: 'hello' },
} as const

const isHere = existsSync(join(root, 'node_modules/@foundry-rs'))
if (!isHere) process.stdout.write('anvil is not here: the adapters’ tests on a chain are skipped\n')
const describeChain = isHere ? describe : describe.skip

describeChain('on anvil', () => {
  let sdk: SdkWorld
  let chain: LocalChain
  let account: EthereumAccount
  let client: PublicClient
  const local = (url: string) => defineChain({ id: LOCAL_CHAIN_ID, name: 'local', nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [url] } } })
  const pin = jest.fn(async () => PIN)

  beforeAll(async () => {
    chain = await startChain({ root, port: await anyFreePort(), stateFile: null })
    sdk = await createSdkWorld({ chains: [ethereum] })
    const cloister = await sdk.connect({ pin })
    const wallet = await cloister.wallets.create({ permissions: { rawHash: true } })
    account = wallet.account('ethereum')
    client = createPublicClient({ chain: local(chain.url), transport: http(), pollingInterval: 50 })
    await client.request({ method: 'anvil_setBalance' as never, params: [account.address, toHex(parseEther('1000'))] as never })
  }, 90_000)
  afterAll(async () => {
    sdk?.close()
    await chain?.close()
  })

  let token: Hex
  const balance = (of: Hex): Promise<bigint> => client.readContract({ address: token, abi: ERC20_ABI, functionName: 'balanceOf', args: [of] })

  describe('viem', () => {
    const wallet = () => createWalletClient({ account: cloisterAccount(account), chain: local(chain.url), transport: http() })

    test('deploys a contract', async () => {
      const hash = await wallet().deployContract({ abi: ERC20_ABI, bytecode: ERC20_BYTECODE })
      const receipt = await client.waitForTransactionReceipt({ hash })
      expect(receipt).toMatchObject({ status: 'success', from: account.address.toLowerCase() })
      token = receipt.contractAddress as Hex
      expect(await balance(account.address)).toBe(SUPPLY)
    })

    test('sends ether: EIP-1559 and legacy', async () => {
      for (const fees of [{}, { type: 'legacy' } as const]) {
        const hash = await wallet().sendTransaction({ to: TO, value: 5n, ...fees })
        expect(await client.waitForTransactionReceipt({ hash })).toMatchObject({ status: 'success', to: TO.toLowerCase() })
      }
      expect(await client.getBalance({ address: TO })).toBe(10n)
    })

    testKind('eip155', 'message', 'signs a message', async () => {
      for (const message of ['hello', { raw: '0xdeadbeef' as Hex }, { raw: Uint8Array.of(1, 2, 255) }]) {
        const signature = await wallet().signMessage({ message })
        expect(await verifyMessage({ address: account.address, message, signature })).toBe(true)
      }
    })
    testKind('eip155', 'typedData', 'signs typed data', async () => {
      const signature = await wallet().signTypedData(TYPED)
      expect(await verifyTypedData({ ...TYPED, address: account.address, signature })).toBe(true)
    })
    testKind('eip155', 'hash', 'signs a bare hash, where the wallet permits it', async () => {
      const hash: Hex = `0x${'5a'.repeat(32)}`
      const { recoverAddress } = await import('viem')
      expect(await recoverAddress({ hash, signature: (await cloisterAccount(account).sign?.({ hash })) as Hex })).toBe(account.address)
    })
    testKind('eip155', 'authorization', 'signs an EIP-7702 authorization', async () => {
      const authorization = await wallet().signAuthorization({ contractAddress: TO, chainId: LOCAL_CHAIN_ID, nonce: 3 })
      expect(await verifyAuthorization({ authorization, address: account.address })).toBe(true)
    })
  })

  describe('ethers', () => {
    const provider = () => new JsonRpcProvider(chain.url, LOCAL_CHAIN_ID, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 50 })

    test('sends a token', async () => {
      const rpc = provider()
      const signer = new CloisterSigner(account, rpc)
      const contract = new Contract(token, [...ERC20_ABI], signer)
      const sent = await (contract['transfer'] as (to: string, amount: bigint) => Promise<{ wait(): Promise<{ status: number; logs: readonly unknown[] }> }>)(TO, 42n)
      const receipt = await sent.wait()
      expect([receipt.status, receipt.logs.length]).toEqual([1, 1])
      expect(await balance(TO)).toBe(42n)
      rpc.destroy()
    })

    test('refuses to sign for somebody else', async () => {
      await expect(new CloisterSigner(account).signTransaction({ from: TO, to: TO, chainId: LOCAL_CHAIN_ID, nonce: 0, gasLimit: 21_000 })).rejects.toThrow(/from address mismatch/)
    })

    testKind('eip155', 'message', 'signs a message', async () => {
      const signer = new CloisterSigner(account)
      expect(ethersVerifyMessage('hello', await signer.signMessage('hello'))).toBe(account.address)
    })
    testKind('eip155', 'typedData', 'signs typed data', async () => {
      const types = { Mail: [...TYPED.types.Mail] }
      const signature = await new CloisterSigner(account).signTypedData(TYPED.domain, types, TYPED.message)
      expect(ethersVerifyTypedData(TYPED.domain, types, TYPED.message, signature)).toBe(account.address)
    })
    testKind('eip155', 'authorization', 'signs an EIP-7702 authorization', async () => {
      const { verifyAuthorization: verify } = await import('ethers')
      const signed = await new CloisterSigner(account).authorize({ address: TO, chainId: LOCAL_CHAIN_ID, nonce: 3 })
      expect(verify({ address: TO, chainId: LOCAL_CHAIN_ID, nonce: 3 }, signed.signature)).toBe(account.address)
    })
  })

  describe('the EIP-1193 provider', () => {
    let provider: CloisterProvider
    beforeAll(() => {
      provider = cloisterProvider({ accounts: async () => [account], chains: [{ chainId: LOCAL_CHAIN_ID, rpc: chain.url }] })
    })

    test('under viem: connects, sends, and reads through', async () => {
      const wallet = createWalletClient({ chain: local(chain.url), transport: custom(provider) })
      expect(await wallet.requestAddresses()).toEqual([account.address])
      expect(await wallet.getChainId()).toBe(LOCAL_CHAIN_ID)
      const before = await client.getBalance({ address: TO })
      const hash = await wallet.sendTransaction({ account: account.address, to: TO, value: 7n })
      await client.waitForTransactionReceipt({ hash })
      expect(await client.getBalance({ address: TO })).toBe(before + 7n)
      const sent = await client.getTransaction({ hash })
      expect(sent.type).toBe('eip1559')
      expect(await createPublicClient({ transport: custom(provider) }).getBalance({ address: TO })).toBe(before + 7n)
    })

    test('under ethers’ BrowserProvider: sends a token', async () => {
      const browser = new BrowserProvider(provider, LOCAL_CHAIN_ID, { cacheTimeout: -1, pollingInterval: 50 })
      const signer = await browser.getSigner()
      expect(await signer.getAddress()).toBe(account.address)
      const contract = new Contract(token, [...ERC20_ABI], signer)
      const sent = await (contract['transfer'] as (to: string, amount: bigint) => Promise<{ wait(): Promise<{ status: number }> }>)(TO, 8n)
      expect((await sent.wait()).status).toBe(1)
      expect(await balance(TO)).toBe(50n)
      browser.destroy()
    })

    test('what the chain refuses comes back as the chain says it', async () => {
      const wanted = { from: account.address, to: token, data: `0xa9059cbb${'00'.repeat(12)}${TO.slice(2)}${'ff'.repeat(32)}` }
      await expect(provider.request({ method: 'eth_sendTransaction', params: [wanted] })).rejects.toMatchObject({ name: 'ProviderRpcError', message: expect.stringMatching(/revert/) })
    })

    test('eth_signTransaction: what is given is kept, what is missing is asked', async () => {
      const wanted = { from: account.address, to: TO, value: '0x1', gas: '0x5300', nonce: '0x63', gasPrice: '0x77359400' }
      const raw = (await provider.request({ method: 'eth_signTransaction', params: [wanted] })) as Hex
      const { parseTransaction } = await import('viem')
      expect(parseTransaction(raw)).toMatchObject({ type: 'legacy', chainId: LOCAL_CHAIN_ID, nonce: 99, gas: 0x5300n, gasPrice: 2_000_000_000n, value: 1n })
    })

    testKind('eip155', 'message', 'personal_sign', async () => {
      await provider.request({ method: 'eth_requestAccounts' })
      const signature = (await provider.request({ method: 'personal_sign', params: [toHex('hello'), account.address] })) as Hex
      expect(await verifyMessage({ address: account.address, message: 'hello', signature })).toBe(true)
      expect(await provider.request({ method: 'personal_sign', params: [account.address, 'hello'] })).toBe(signature)
    })
    testKind('eip155', 'typedData', 'eth_signTypedData_v4, as viem and ethers ask for it', async () => {
      const wallet = createWalletClient({ chain: local(chain.url), transport: custom(provider) })
      const signature = await wallet.signTypedData({ ...TYPED, account: account.address })
      expect(await verifyTypedData({ ...TYPED, address: account.address, signature })).toBe(true)
      const browser = new BrowserProvider(provider, LOCAL_CHAIN_ID)
      const signer = await browser.getSigner()
      expect(await signer.signTypedData(TYPED.domain, { Mail: [...TYPED.types.Mail] }, TYPED.message)).toBe(signature)
      browser.destroy()
    })
  })

  test('each signature asked for the PIN, through whichever adapter', () => {
    expect(pin.mock.calls.length).toBeGreaterThanOrEqual(8)
  })
})
