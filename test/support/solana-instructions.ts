/** Instructions of @solana/web3.js and @solana/spl-token, each with what its summary must say. */
import {
  AuthorityType, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID, createApproveCheckedInstruction, createApproveInstruction, createAssociatedTokenAccountIdempotentInstruction,
  createAssociatedTokenAccountInstruction, createBurnCheckedInstruction, createBurnInstruction, createCloseAccountInstruction, createCreateNativeMintInstruction,
  createFreezeAccountInstruction, createHarvestWithheldTokensToMintInstruction, createInitializeAccount2Instruction, createInitializeAccount3Instruction, createInitializeAccountInstruction,
  createInitializeImmutableOwnerInstruction, createInitializeMint2Instruction, createInitializeMintCloseAuthorityInstruction, createInitializeMintInstruction,
  createInitializeMultisigInstruction, createInitializeNonTransferableMintInstruction, createInitializePermanentDelegateInstruction, createInitializeTransferFeeConfigInstruction,
  createMintToCheckedInstruction, createMintToInstruction, createReallocateInstruction, createRecoverNestedInstruction, createRevokeInstruction, createSetAuthorityInstruction,
  createSetTransferFeeInstruction, createSyncNativeInstruction, createThawAccountInstruction, createTransferCheckedInstruction, createTransferCheckedWithFeeInstruction,
  createTransferInstruction, createWithdrawWithheldTokensFromAccountsInstruction, createWithdrawWithheldTokensFromMintInstruction,
  createAmountToUiAmountInstruction, createUiAmountToAmountInstruction, createInitializeDefaultAccountStateInstruction, createUpdateDefaultAccountStateInstruction,
  createEnableRequiredMemoTransfersInstruction, createDisableRequiredMemoTransfersInstruction, createEnableCpiGuardInstruction, createDisableCpiGuardInstruction,
  createInitializeInterestBearingMintInstruction, createUpdateRateInterestBearingMintInstruction, createInitializeTransferHookInstruction, createUpdateTransferHookInstruction,
  createInitializeMetadataPointerInstruction, createUpdateMetadataPointerInstruction, createInitializeGroupPointerInstruction, createUpdateGroupPointerInstruction,
  createInitializeGroupMemberPointerInstruction, createUpdateGroupMemberPointerInstruction, createInitializePausableConfigInstruction, createPauseInstruction, createResumeInstruction,
  createInitializePermissionedBurnInstruction, createPermissionedBurnCheckedInstruction, createPermissionedBurnInstruction, createInitializeScaledUiAmountConfigInstruction,
  AccountState, ExtensionType,
} from '@solana/spl-token'
import { Authorized, Lockup, PublicKey, StakeAuthorizationLayout, StakeProgram, SystemProgram, TransactionInstruction, type Keypair, type Transaction } from '@solana/web3.js'

interface Sample {
  readonly name: string
  readonly instruction: TransactionInstruction
  readonly action: string
  /** Besides `program`. */
  readonly fields: Readonly<Record<string, string>>
  readonly warnings: readonly string[]
}

/** What the samples are made of: the signer, six other addresses, an amount (64 bits), decimals, a seed. */
interface Parts {
  readonly me: PublicKey
  readonly others: readonly PublicKey[]
  readonly amount: bigint
  readonly decimals: number
  readonly seed: string
}

const only = (transaction: Transaction): TransactionInstruction => transaction.instructions.at(-1) as TransactionInstruction
const sample = (instruction: TransactionInstruction, action: string, fields: object, ...warnings: string[]): Omit<Sample, 'name'> => ({
  instruction, action, warnings, fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value instanceof PublicKey ? value.toBase58() : String(value)])),
})
const named = (samples: Readonly<Record<string, Omit<Sample, 'name'>>>): readonly Sample[] => Object.entries(samples).map(([name, rest]) => ({ name, ...rest }))
/** spl-token has a builder, and doesn't export it. */
function unwrapLamports(from: PublicKey, to: PublicKey, owner: PublicKey, amount: bigint | null, programId: PublicKey): TransactionInstruction {
  const data = Buffer.alloc(amount === null ? 2 : 10)
  data[0] = 45
  data[1] = amount === null ? 0 : 1
  if (amount !== null) data.writeBigUInt64LE(amount, 2)
  const keys = [from, to, owner].map((pubkey, index) => ({ pubkey, isSigner: index === 2, isWritable: index < 2 }))
  return new TransactionInstruction({ programId, keys, data })
}
/** web3.js takes lamports as numbers where they are less than 2^53. */
const asNumber = (amount: bigint): number => Number(BigInt.asUintN(53, amount))

export function systemSamples({ me, others, amount, seed }: Parts): readonly Sample[] {
  const [to, base, owner] = others as [PublicKey, PublicKey, PublicKey]
  const [lamports, space] = [asNumber(amount), asNumber(amount >> 5n)]
  return named({
    'system transfer': sample(SystemProgram.transfer({ fromPubkey: me, toPubkey: to, lamports: amount }), 'transfer', { from: me, to, lamports: amount }),
    'system transfer with seed': sample(SystemProgram.transfer({ fromPubkey: me, basePubkey: base, toPubkey: to, lamports: amount, seed, programId: owner }), 'transfer', { from: me, base, to, lamports: amount, seed, owner }),
    'create account': sample(SystemProgram.createAccount({ fromPubkey: me, newAccountPubkey: to, lamports, space, programId: owner }), 'create_account', { from: me, account: to, lamports, space, owner }),
    'create account with seed': sample(SystemProgram.createAccountWithSeed({ fromPubkey: me, newAccountPubkey: to, basePubkey: base, seed, lamports, space, programId: owner }), 'create_account', { from: me, account: to, base, seed, lamports, space, owner }),
    'create account with seed of the payer': sample(SystemProgram.createAccountWithSeed({ fromPubkey: me, newAccountPubkey: to, basePubkey: me, seed, lamports, space, programId: owner }), 'create_account', { from: me, account: to, base: me, seed, lamports, space, owner }),
    assign: sample(SystemProgram.assign({ accountPubkey: me, programId: owner }), 'assign', { account: me, owner }, 'authority_change'),
    'assign with seed': sample(SystemProgram.assign({ accountPubkey: to, basePubkey: me, seed, programId: owner }), 'assign', { account: to, base: me, seed, owner }, 'authority_change'),
    allocate: sample(SystemProgram.allocate({ accountPubkey: me, space }), 'allocate', { account: me, space }),
    'allocate with seed': sample(SystemProgram.allocate({ accountPubkey: to, basePubkey: me, seed, space, programId: owner }), 'allocate', { account: to, base: me, seed, space, owner }),
    'advance nonce': sample(SystemProgram.nonceAdvance({ noncePubkey: to, authorizedPubkey: me }), 'advance_nonce', { nonceAccount: to, authority: me }),
    'withdraw nonce': sample(SystemProgram.nonceWithdraw({ noncePubkey: to, authorizedPubkey: me, toPubkey: base, lamports }), 'withdraw_nonce', { nonceAccount: to, to: base, authority: me, lamports }),
    'initialize nonce': sample(SystemProgram.nonceInitialize({ noncePubkey: to, authorizedPubkey: me }), 'initialize_nonce', { nonceAccount: to, authority: me }),
    'authorize nonce': sample(SystemProgram.nonceAuthorize({ noncePubkey: to, authorizedPubkey: me, newAuthorizedPubkey: base }), 'authorize_nonce', { nonceAccount: to, authority: me, newAuthority: base }, 'authority_change'),
  })
}

function stakeSamples({ me, others, amount, seed }: Parts): readonly Sample[] {
  const [stake, vote, to, custodian, owner] = others as [PublicKey, PublicKey, PublicKey, PublicKey, PublicKey]
  const lamports = asNumber(amount)
  const lockup = new Lockup(Number(BigInt.asIntN(40, amount)), lamports >>> 0, custodian)
  const withdrawer = StakeAuthorizationLayout.Withdrawer
  return named({
    'initialize stake': sample(StakeProgram.initialize({ stakePubkey: stake, authorized: new Authorized(me, to), lockup }), 'initialize_stake', { stake, staker: me, withdrawer: to, lockupUntilSec: lockup.unixTimestamp, lockupEpoch: lockup.epoch, custodian }),
    'delegate stake': sample(only(StakeProgram.delegate({ stakePubkey: stake, authorizedPubkey: me, votePubkey: vote })), 'delegate_stake', { stake, vote, authority: me }),
    'authorize stake': sample(only(StakeProgram.authorize({ stakePubkey: stake, authorizedPubkey: me, newAuthorizedPubkey: to, stakeAuthorizationType: StakeAuthorizationLayout.Staker })), 'authorize_stake', { stake, authority: me, newAuthority: to, kind: 'staker' }, 'authority_change'),
    'authorize stake past its custodian': sample(only(StakeProgram.authorize({ stakePubkey: stake, authorizedPubkey: me, newAuthorizedPubkey: to, stakeAuthorizationType: withdrawer, custodianPubkey: custodian })), 'authorize_stake', { stake, authority: me, custodian, newAuthority: to, kind: 'withdrawer' }, 'authority_change'),
    'authorize stake with seed': sample(only(StakeProgram.authorizeWithSeed({ stakePubkey: stake, authorityBase: me, authoritySeed: seed, authorityOwner: owner, newAuthorizedPubkey: to, stakeAuthorizationType: withdrawer, custodianPubkey: custodian })), 'authorize_stake', { stake, base: me, custodian, newAuthority: to, kind: 'withdrawer', seed, owner }, 'authority_change'),
    'split stake': sample(only(StakeProgram.split({ stakePubkey: stake, authorizedPubkey: me, splitStakePubkey: to, lamports }, 0)), 'split_stake', { stake, to, authority: me, lamports }),
    'merge stake': sample(only(StakeProgram.merge({ stakePubkey: stake, sourceStakePubKey: to, authorizedPubkey: me })), 'merge_stake', { stake, source: to, authority: me }),
    'withdraw stake': sample(only(StakeProgram.withdraw({ stakePubkey: stake, authorizedPubkey: me, toPubkey: to, lamports })), 'withdraw_stake', { stake, to, authority: me, lamports }),
    'withdraw stake past its custodian': sample(only(StakeProgram.withdraw({ stakePubkey: stake, authorizedPubkey: me, toPubkey: to, lamports, custodianPubkey: custodian })), 'withdraw_stake', { stake, to, authority: me, custodian, lamports }),
    'deactivate stake': sample(only(StakeProgram.deactivate({ stakePubkey: stake, authorizedPubkey: me })), 'deactivate_stake', { stake, authority: me }),
  })
}

/** What both token programs have. */
function tokenSamples({ me, others, amount, decimals }: Parts, programId: PublicKey): readonly Sample[] {
  const [from, to, mint, cosigner, other] = others as [PublicKey, PublicKey, PublicKey, PublicKey, PublicKey]
  const approval = amount >= 2n ** 63n ? ['unlimited_approval'] : []
  const samples = named({
    transfer: sample(createTransferInstruction(from, to, me, amount, [], programId), 'token_transfer', { from, to, authority: me, amount }),
    'transfer of a multisig': sample(createTransferInstruction(from, to, other, amount, [me, cosigner], programId), 'token_transfer', { from, to, authority: other, amount, otherAccounts: `${me.toBase58()} ${cosigner.toBase58()}` }),
    'transfer checked': sample(createTransferCheckedInstruction(from, mint, to, me, amount, decimals, [], programId), 'token_transfer', { from, mint, to, authority: me, amount, decimals }),
    approve: sample(createApproveInstruction(from, to, me, amount, [], programId), 'approve', { from, delegate: to, owner: me, amount }, ...approval),
    'approve checked': sample(createApproveCheckedInstruction(from, mint, to, me, amount, decimals, [], programId), 'approve', { from, mint, delegate: to, owner: me, amount, decimals }, ...approval),
    'approve everything': sample(createApproveInstruction(from, to, me, 2n ** 64n - 1n, [], programId), 'approve', { from, delegate: to, owner: me, amount: 2n ** 64n - 1n }, 'unlimited_approval'),
    revoke: sample(createRevokeInstruction(from, me, [], programId), 'revoke', { from, owner: me }),
    'set owner': sample(createSetAuthorityInstruction(from, me, AuthorityType.AccountOwner, to, [], programId), 'set_authority', { account: from, authority: me, kind: 'owner', newAuthority: to }, 'authority_change'),
    'drop mint authority': sample(createSetAuthorityInstruction(mint, me, AuthorityType.MintTokens, null, [], programId), 'set_authority', { account: mint, authority: me, kind: 'mint', newAuthority: 'none' }, 'authority_change'),
    'mint to': sample(createMintToInstruction(mint, to, me, amount, [], programId), 'mint_to', { mint, to, authority: me, amount }),
    'mint to checked': sample(createMintToCheckedInstruction(mint, to, me, amount, decimals, [], programId), 'mint_to', { mint, to, authority: me, amount, decimals }),
    burn: sample(createBurnInstruction(from, mint, me, amount, [], programId), 'burn', { from, mint, authority: me, amount }),
    'burn checked': sample(createBurnCheckedInstruction(from, mint, me, amount, decimals, [], programId), 'burn', { from, mint, authority: me, amount, decimals }),
    close: sample(createCloseAccountInstruction(from, to, me, [], programId), 'close_account', { account: from, to, authority: me }, 'account_closed'),
    freeze: sample(createFreezeAccountInstruction(from, mint, me, [], programId), 'freeze_account', { account: from, mint, authority: me }),
    thaw: sample(createThawAccountInstruction(from, mint, me, [], programId), 'thaw_account', { account: from, mint, authority: me }),
    'initialize mint': sample(createInitializeMintInstruction(mint, decimals, me, null, programId), 'initialize_mint', { mint, decimals, mintAuthority: me, freezeAuthority: 'none' }),
    'initialize mint 2': sample(createInitializeMint2Instruction(mint, decimals, me, to, programId), 'initialize_mint', { mint, decimals, mintAuthority: me, freezeAuthority: to }),
    'initialize account': sample(createInitializeAccountInstruction(from, mint, me, programId), 'initialize_token_account', { account: from, mint, owner: me }),
    'initialize account 2': sample(createInitializeAccount2Instruction(from, mint, me, programId), 'initialize_token_account', { account: from, mint, owner: me }),
    'initialize account 3': sample(createInitializeAccount3Instruction(from, mint, me, programId), 'initialize_token_account', { account: from, mint, owner: me }),
    'initialize multisig': sample(createInitializeMultisigInstruction(other, [me, to], 2, programId), 'initialize_multisig', { multisig: other, required: 2, otherAccounts: `${me.toBase58()} ${to.toBase58()}` }),
    'sync native': sample(createSyncNativeInstruction(from, programId), 'sync_native', { account: from }),
    'immutable owner': sample(createInitializeImmutableOwnerInstruction(from, programId), 'initialize_immutable_owner', { account: from }),
    'amount to text': sample(createAmountToUiAmountInstruction(mint, amount, programId), 'amount_to_ui_amount', { mint, amount }),
    'text to amount': sample(createUiAmountToAmountInstruction(mint, '1.25', programId), 'ui_amount_to_amount', { mint, amount: '1.25' }),
    'unwrap all': sample(unwrapLamports(from, to, me, null, programId), 'unwrap_lamports', { from, to, authority: me, amount: 'none' }),
    'unwrap some': sample(unwrapLamports(from, to, me, amount, programId), 'unwrap_lamports', { from, to, authority: me, amount }),
  })
  return samples.map((one) => ({ ...one, name: `${programId.equals(TOKEN_PROGRAM_ID) ? 'Token' : 'Token-2022'} ${one.name}` }))
}

/** What Token-2022 alone has. */
function token2022Samples({ me, others, amount, decimals }: Parts): readonly Sample[] {
  const [from, to, mint, other] = others as [PublicKey, PublicKey, PublicKey, PublicKey]
  const id = TOKEN_2022_PROGRAM_ID
  const basisPoints = Number(amount % 10_001n)
  const rate = Number(amount % 60_000n) - 30_000
  const systemProgram = SystemProgram.programId
  return named({
    'close authority': sample(createInitializeMintCloseAuthorityInstruction(mint, me, id), 'initialize_mint_close_authority', { mint, authority: me }),
    'no close authority': sample(createInitializeMintCloseAuthorityInstruction(mint, null, id), 'initialize_mint_close_authority', { mint, authority: 'none' }),
    'transfer fee': sample(createInitializeTransferFeeConfigInstruction(mint, me, null, basisPoints, amount, id), 'initialize_transfer_fee', { mint, feeAuthority: me, withdrawAuthority: 'none', basisPoints, maximumFee: amount }),
    'transfer with fee': sample(createTransferCheckedWithFeeInstruction(from, mint, to, me, amount, decimals, amount / 2n, [], id), 'token_transfer', { from, mint, to, authority: me, amount, decimals, fee: amount / 2n }),
    'withheld of the mint': sample(createWithdrawWithheldTokensFromMintInstruction(mint, to, me, [], id), 'withdraw_withheld_tokens', { mint, to, authority: me }),
    'withheld of accounts': sample(createWithdrawWithheldTokensFromAccountsInstruction(mint, to, me, [], [from, other], id), 'withdraw_withheld_tokens', { mint, to, authority: me, accounts: 2, otherAccounts: `${from.toBase58()} ${other.toBase58()}` }),
    harvest: sample(createHarvestWithheldTokensToMintInstruction(mint, [from, other], id), 'harvest_withheld_tokens', { mint, otherAccounts: `${from.toBase58()} ${other.toBase58()}` }),
    'set transfer fee': sample(createSetTransferFeeInstruction(mint, me, [], basisPoints, amount, id), 'set_transfer_fee', { mint, authority: me, basisPoints, maximumFee: amount }),
    'default state': sample(createInitializeDefaultAccountStateInstruction(mint, AccountState.Frozen, id), 'initialize_default_account_state', { mint, state: 'frozen' }),
    'set default state': sample(createUpdateDefaultAccountStateInstruction(mint, AccountState.Initialized, me, [], id), 'set_default_account_state', { mint, authority: me, state: 'initialized' }),
    reallocate: sample(createReallocateInstruction(from, me, [ExtensionType.MemoTransfer], other, [], id), 'reallocate', { account: from, payer: me, systemProgram, owner: other, extensions: '0x0800' }),
    'require memo': sample(createEnableRequiredMemoTransfersInstruction(from, me, [], id), 'require_memo', { account: from, owner: me }),
    'allow no memo': sample(createDisableRequiredMemoTransfersInstruction(from, me, [], id), 'allow_no_memo', { account: from, owner: me }),
    'native mint': sample(createCreateNativeMintInstruction(me, mint, id), 'create_native_mint', { payer: me, mint, systemProgram }),
    'non transferable': sample(createInitializeNonTransferableMintInstruction(mint, id), 'initialize_non_transferable_mint', { mint }),
    interest: sample(createInitializeInterestBearingMintInstruction(mint, me, rate, id), 'initialize_interest', { mint, authority: me, basisPoints: rate }),
    'set interest': sample(createUpdateRateInterestBearingMintInstruction(mint, me, rate, [], id), 'set_interest', { mint, authority: me, basisPoints: rate, otherAccounts: me }),
    'CPI guard': sample(createEnableCpiGuardInstruction(from, me, [], id), 'enable_cpi_guard', { account: from, owner: me }),
    'no CPI guard': sample(createDisableCpiGuardInstruction(from, me, [], id), 'disable_cpi_guard', { account: from, owner: me }),
    'permanent delegate': sample(createInitializePermanentDelegateInstruction(mint, me, id), 'initialize_permanent_delegate', { mint, delegate: me }),
    'transfer hook': sample(createInitializeTransferHookInstruction(mint, me, other, id), 'initialize_transfer_hook', { mint, authority: me, hook: other }),
    'set transfer hook': sample(createUpdateTransferHookInstruction(mint, me, other, [], id), 'set_transfer_hook', { mint, authority: me, hook: other }),
    'metadata pointer': sample(createInitializeMetadataPointerInstruction(mint, null, other, id), 'initialize_metadata_pointer', { mint, authority: 'none', metadata: other }),
    'set metadata pointer': sample(createUpdateMetadataPointerInstruction(mint, me, null, [], id), 'set_metadata_pointer', { mint, authority: me, metadata: 'none' }),
    'group pointer': sample(createInitializeGroupPointerInstruction(mint, me, other, id), 'initialize_group_pointer', { mint, authority: me, group: other }),
    'set group pointer': sample(createUpdateGroupPointerInstruction(mint, me, other, [], id), 'set_group_pointer', { mint, authority: me, group: other }),
    'member pointer': sample(createInitializeGroupMemberPointerInstruction(mint, me, other, id), 'initialize_group_member_pointer', { mint, authority: me, member: other }),
    'set member pointer': sample(createUpdateGroupMemberPointerInstruction(mint, me, other, [], id), 'set_group_member_pointer', { mint, authority: me, member: other }),
    pausable: sample(createInitializePausableConfigInstruction(mint, me, id), 'initialize_pausable', { mint, authority: me }),
    pause: sample(createPauseInstruction(mint, me, [], id), 'pause', { mint, authority: me }),
    resume: sample(createResumeInstruction(mint, me, [], id), 'resume', { mint, authority: me }),
    'permissioned burn': sample(createInitializePermissionedBurnInstruction(mint, me, id), 'initialize_permissioned_burn', { mint, authority: me }),
    'burn with permission': sample(createPermissionedBurnInstruction(from, mint, me, other, amount, [], id), 'burn', { from, mint, burnAuthority: other, authority: me, amount }),
    'burn checked with permission': sample(createPermissionedBurnCheckedInstruction(from, mint, me, other, amount, decimals, [], id), 'burn', { from, mint, burnAuthority: other, authority: me, amount, decimals }),
  })
}

function associatedSamples({ me, others }: Parts): readonly Sample[] {
  const [account, owner, mint, other, nested, nestedMint] = others as [PublicKey, PublicKey, PublicKey, PublicKey, PublicKey, PublicKey]
  const programs = { systemProgram: SystemProgram.programId, tokenProgram: TOKEN_PROGRAM_ID }
  return named({
    'create associated': sample(createAssociatedTokenAccountInstruction(me, account, owner, mint), 'create_token_account', { payer: me, account, owner, mint, ...programs }),
    'create associated if missing': sample(createAssociatedTokenAccountIdempotentInstruction(me, account, owner, mint), 'create_token_account_if_missing', { payer: me, account, owner, mint, ...programs }),
    'recover nested': sample(createRecoverNestedInstruction(nested, nestedMint, other, account, mint, me), 'recover_nested_token_account', { nested, nestedMint, to: other, account, mint, owner: me, tokenProgram: TOKEN_PROGRAM_ID }),
  })
}

function unknownSamples({ me, others, amount }: Parts): readonly Sample[] {
  const [mint, program] = others as [PublicKey, PublicKey]
  const data = Buffer.from(amount.toString(16).padStart(16, '0'), 'hex')
  const call = new TransactionInstruction({ programId: program, keys: [{ pubkey: me, isSigner: true, isWritable: true }, { pubkey: mint, isSigner: false, isWritable: false }], data })
  const scaled = createInitializeScaledUiAmountConfigInstruction(mint, me, 2, TOKEN_2022_PROGRAM_ID)
  const list = { accounts: `${me.toBase58()} ${mint.toBase58()}`, signers: me, writable: me, data: `0x${data.toString('hex')}` }
  return named({
    'unknown program': sample(call, 'unknown_call', { program, ...list }, 'unknown_call'),
    'unknown extension': sample(scaled, 'unknown_instruction', { program: TOKEN_2022_PROGRAM_ID, accounts: mint, signers: '', writable: mint, data: `0x${Buffer.from(scaled.data).toString('hex')}` }, 'unknown_instruction'),
  })
}

export function allSamples(parts: Parts): readonly Sample[] {
  return [
    ...systemSamples(parts), ...stakeSamples(parts), ...tokenSamples(parts, TOKEN_PROGRAM_ID), ...tokenSamples(parts, TOKEN_2022_PROGRAM_ID), ...token2022Samples(parts),
    ...associatedSamples(parts), ...unknownSamples(parts),
  ]
}

export const partsOf = (me: Keypair, others: readonly PublicKey[], rest: Partial<Omit<Parts, 'me' | 'others'>> = {}): Parts => ({
  me: me.publicKey, others, amount: 1_234_567n, decimals: 6, seed: 'vault', ...rest,
})
