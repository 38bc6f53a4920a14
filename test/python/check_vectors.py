"""Computes test/vectors/own anew, from docs/protocol.md alone. Prints a line for each check that fails, then how many passed."""
import hashlib
import hmac
import json
import os
import sys

from cryptography.hazmat.primitives.asymmetric import ec, utils, x25519
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import wire

passed, failed = 0, []


def check(name, condition):
    global passed
    if condition:
        passed += 1
    else:
        failed.append(name)


def load(folder, name):
    with open(os.path.join(folder, f"{name}.json"), encoding="utf8") as file:
        return json.load(file)["vectors"]


def value(json_value):
    """{"bytes": hex} is a byte string."""
    if isinstance(json_value, list):
        return [value(item) for item in json_value]
    if not isinstance(json_value, dict):
        return json_value
    if set(json_value) == {"bytes"}:
        return bytes.fromhex(json_value["bytes"])
    return {name: value(item) for name, item in json_value.items()}


def check_request(folder):
    by_id = {vector["id"]: vector for vector in load(folder, "request")}
    for vector in by_id.values():
        fields = value(vector["value"])
        if vector["format"] == "header":
            fields["v"] = 1
        else:
            fields["issuedAt"] = fields.pop("issuedAtMs")
        check(vector["id"], wire.encode(fields).hex() == vector["encoded"])


def check_padding(folder):
    for vector in load(folder, "padding"):
        fields, encoded = value(vector["value"]), bytes.fromhex(vector["encoded"])
        if vector["format"] == "sealedBody":
            fields["issuedAt"] = fields.pop("issuedAtMs")
            check(vector["id"], wire.pad_body(fields) == encoded)
            continue
        try:
            result = wire.read_answer(encoded, fields["op"], fields["request"])
            check(vector["id"], fields["outcome"]["ok"] and set(result) == set(fields["outcome"]["result"]))
        except wire.Refused as error:
            check(vector["id"], str(error) == fields["outcome"]["code"])
        for bad in (encoded[:-1], encoded + bytes(1), encoded[:-1] + b"\x01", encoded.rstrip(b"\x00"), wire.unpad(encoded, "")):
            try:
                wire.read_answer(bad, fields["op"], fields["request"])
                check(f'{vector["id"]}: refused', False)
            except wire.Refused as error:
                check(f'{vector["id"]}: refused', str(error) == "answer_invalid")


def check_proof(folder):
    (vector,) = load(folder, "proof")
    private = ec.derive_private_key(int(vector["privateKey"], 16), ec.SECP256R1())
    key = wire.ClientKey(private, bytes.fromhex(vector["random"]))
    check("x, y", (key.x.hex(), key.y.hex()) == (vector["x"], vector["y"]))
    check("thumbprint", key.thumbprint().hex() == vector["thumbprint"])
    check("nonce", key.nonce() == vector["nonce"])
    header, enc, body = (bytes.fromhex(vector[name]) for name in ("header", "enc", "unprovenBody"))
    signed = wire.framed("cloister/v1 proof", header, enc, body)
    check("signed bytes", signed.hex() == vector["signedBytes"])
    signature = bytes.fromhex(vector["signature"])
    der = utils.encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    private.public_key().verify(der, signed, ec.ECDSA(hashes.SHA256()))
    check("signature", True)


def check_channel(folder):
    (vector,) = load(folder, "channel")
    hexes = {name: bytes.fromhex(text) for name, text in vector.items() if name not in ("id", "http")}
    check("key id", wire.channel_key_id(hexes["channelPublicKey"]) == hexes["keyId"])
    context = wire.start_request(hexes["channelPublicKey"], x25519.X25519PrivateKey.from_private_bytes(hexes["ephemeralPrivateKey"]))
    for ours, theirs in (("enc", "enc"), ("key", "key"), ("nonce", "baseNonce"), ("exporter", "exporterSecret")):
        check(theirs, context[ours] == hexes[theirs])
    check("ciphertext", wire.seal(context, hexes["aad"], hexes["plaintext"]) == hexes["ciphertext"])
    parts = {name: wire.b64url(hexes[hex_name]) for name, hex_name in (("header", "aad"), ("enc", "enc"), ("ciphertext", "ciphertext"))}
    check("http", parts == json.loads(vector["http"]))
    request = bytes(range(16))
    check("answer aad", wire.answer_binding("sign", request) == hexes["answerAad"])
    check("answer", wire.open_answer(context, hexes["sealedAnswer"], hexes["answerAad"]) == hexes["answer"])
    result = wire.read_answer(hexes["answer"], "sign", request)
    check("result", set(result) == {"signatures", "fingerprint", "guesses"})
    check("signature", [set(one) for one in result["signatures"]] == [{"signed", "hash", "address"}])


def check_record(folder):
    (vector,) = load(folder, "record")
    issuer_hash = wire.sha256(wire.framed("cloister/v1 issuer", vector["issuer"].encode()))[:16].hex()
    owner = f'user#{vector["tenant"]}#{issuer_hash}#{vector["subject"]}'
    check("owner", owner == vector["owner"])
    data_key, pin_hash = bytes.fromhex(vector["dataKey"]), bytes.fromhex(vector["pinHash"])
    opened = {}
    for part, ikm in (("state", data_key), ("seed", data_key + pin_hash)):
        key = wire.hkdf_expand(wire.hkdf_extract(b"", ikm), f"cloister/v1 {part}".encode(), 32)
        aad = wire.encode({"format": 1, "owner": owner, "wallet": vector["wallet"], "version": 1, "kmsKey": vector["kmsKey"], "part": part})
        check(f"{part} key and AAD", (key.hex(), aad.hex()) == (vector[f"{part}Key"], vector[f"{part}Aad"]))
        sealed = bytes.fromhex(vector[part])
        opened[part] = AESGCM(key).decrypt(sealed[:12], sealed[12:], aad)
    seed = hashlib.pbkdf2_hmac("sha512", vector["mnemonic"].encode(), b"mnemonic", 2048, 64)
    entropy = bytes.fromhex(vector["entropy"])
    check("secret", opened["seed"] == b"\x01" + bytes([len(entropy)]) + entropy + b"\x00" + seed + bytes(354 - 67 - len(entropy)))
    names = (
        "argon2", "seedDigest", "recoverySeal", "kind", "label", "accounts", "permissions", "fingerprint", "createdAt", "idempotencyKey", "recent",
        "recoveryKey", "recoveryMadeAt", "factor", "export", "goneAt", "receipts",
    )  # fmt: skip
    state = wire.decode(opened["state"], names, "record_invalid")
    check("seed digest", state["seedDigest"] == wire.sha256(bytes.fromhex(vector["seed"])))
    content = wire.framed("cloister/v1 idempotency", b"create", vector["wallet"].encode(), wire.encode(value(vector["createParameters"])))
    check("idempotency", state["recent"][0]["content"] == hmac.new(state["idempotencyKey"], content, hashlib.sha256).digest())
    aad = wire.encode({"format": 1, "owner": owner, "wallet": vector["wallet"], "version": 1, "kmsKey": vector["kmsKey"], "part": "recovery"})
    code = bytes.fromhex(vector["recoveryCode"])
    check("recovery AAD", aad.hex() == vector["recoveryAad"])
    check("recovery seal", wire.open_with_code(code, state["recoverySeal"], "cloister/v1 recovery seal", aad) == opened["seed"])
    check("recovery key", wire.raw_public(wire.recovery_private(code)) == state["recoveryKey"])
    check("receipts", set(state["receipts"]) == {"privateKey", "publicKey", "storageKey", "count", "head", "tail"})
    check("receipts head", state["receipts"]["head"] == wire.sha256(state["receipts"]["tail"][-1]))
    master = hmac.new(b"Bitcoin seed", seed, hashlib.sha512).digest()[:32]
    point = ec.derive_private_key(int.from_bytes(master, "big"), ec.SECP256K1()).public_key().public_numbers()
    compressed = bytes([2 + (point.y & 1)]) + point.x.to_bytes(32, "big")
    check("fingerprint", state["fingerprint"] == wire.sha256(wire.framed("cloister/v1 fingerprint", compressed)))


def check_recovery(folder):
    code, backup, factor = load(folder, "recovery")
    for vector, label, length, name in ((code, "recovery code", 16, "code"), (factor, "second factor", 20, "factorSecret")):
        mac_input = wire.framed(f"cloister/v1 {label}", bytes.fromhex(vector["idempotency"]))
        mac = hmac.new(bytes.fromhex(vector["idempotencyKey"]), mac_input + bytes.fromhex(vector["secret"]), hashlib.sha256).digest()
        check(label, (mac_input.hex(), mac[:length].hex()) == (vector["macInput"], vector[name]))
    raw = bytes.fromhex(code["code"])
    check("recovery text", wire.recovery_text(raw) == code["text"])
    private = wire.recovery_private(raw)
    check("recovery keys", (wire.raw_private(private).hex(), wire.raw_public(private).hex()) == (code["privateKey"], code["publicKey"]))
    file = json.loads(backup["file"])
    sealed = wire.from_b64url(file.pop("sealed"), "backup_invalid")
    aad = wire.encode({**file, "fingerprint": wire.from_b64url(file["fingerprint"], "backup_invalid")})
    check("backup", wire.open_with_code(raw, sealed, "cloister/v1 backup seal", aad).hex() == backup["secret"])
    counter = (factor["atMs"] // 30_000).to_bytes(8, "big")
    mac = hmac.new(bytes.fromhex(factor["factorSecret"]), counter, hashlib.sha1).digest()
    offset = mac[19] & 15
    check("one-time code", f"{(int.from_bytes(mac[offset : offset + 4], 'big') & 0x7fffffff) % 1_000_000:06}" == factor["otp"])


def check_receipts(folder):
    previous = bytes(32)
    for vector in load(folder, "receipts"):
        fields = value(vector["value"])
        fields["v"], fields["at"] = 1, fields.pop("atMs")
        payload = wire.encode(fields)
        check("receipt", (payload.hex(), fields["previous"]) == (vector["payload"], previous))
        signed = wire.encode(["Signature1", bytes.fromhex("a10126"), b"cloister/v1 receipt", payload])
        check("Sig_structure", signed.hex() == vector["signed"])
        signature, public = bytes.fromhex(vector["signature"]), bytes.fromhex(vector["publicKey"])
        der = utils.encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + public).verify(der, signed, ec.ECDSA(hashes.SHA256()))
        sign1 = wire.encode([bytes.fromhex("a10126"), {}, payload, signature])
        previous = wire.sha256(sign1)
        check("COSE_Sign1", (sign1.hex(), previous.hex()) == (vector["sign1"], vector["hash"]))
        aad = wire.framed("cloister/v1 stored receipt", wire.encode({"wallet": fields["wallet"], "sequence": fields["sequence"]}))
        stored = bytes.fromhex(vector["stored"])
        check("stored", AESGCM(bytes.fromhex(vector["storageKey"])).decrypt(stored[:12], stored[12:], aad) == sign1)
        check("item", vector["item"] == f'receipt#{fields["wallet"]}#{fields["sequence"]:012}')


for one in (check_request, check_padding, check_proof, check_channel, check_record, check_recovery, check_receipts):
    one(sys.argv[1])
for name in failed:
    print(f"failed: {name}")
print(f"{passed} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
