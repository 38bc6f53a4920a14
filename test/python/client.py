"""A minimal Cloister client, written from docs/protocol.md alone: log in, verify the enclave, create a wallet, sign.

Talks JSON lines: reads {"url", "root", "measurements", "pin", "chain", "transaction"} (root in base64, transaction in hex, optionally
"wrong_pin"), writes {"nonce"}, reads {"token"}: the ID token of a login with that nonce. Then writes {"wallet", "address", "signed", …}.
Whatever goes wrong is {"error": code}, and exit status 1. Numbers in brackets are sections of the document.
"""
import base64
import datetime
import hashlib
import hmac
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
import uuid

import cbor2
from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

DAY_MS = 86_400_000
PCRS = {"pcr0": 0, "pcr1": 1, "pcr2": 2, "pcr16": 16}
FIELDS = {"module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle", "public_key", "user_data", "nonce"}


class Refused(Exception):
    """Its message is a code [2]."""

    def __init__(self, code, guesses=None):
        super().__init__(code)
        self.guesses = guesses


def require(condition, code):
    if not condition:
        raise Refused(code)


# [1] Encodings


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64url(text, code):
    require(isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9_-]*", text) and len(text) % 4 != 1, code)
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    require(b64url(data) == text, code)
    return data


def encode(value):
    return cbor2.dumps(value, canonical=True)


def decode(data, keys, code):
    """One map with exactly these keys, in the one encoding that we would have written ourselves."""
    try:
        value = cbor2.loads(data)
        same = encode(value) == data
    except Exception:
        raise Refused(code) from None
    require(same and isinstance(value, dict) and set(value) == set(keys), code)
    return value


def is_bytes(value, low, high=None):
    return isinstance(value, bytes) and low <= len(value) <= (low if high is None else high)


def framed(label, *parts):
    return b"".join(len(part).to_bytes(4, "big") + part for part in (label.encode(), *parts))


def sha256(data):
    return hashlib.sha256(data).digest()


def hkdf_extract(salt, ikm):
    return hmac.new(salt or bytes(32), ikm, hashlib.sha256).digest()


def hkdf_expand(prk, info, length):
    return HKDFExpand(hashes.SHA256(), length, info).derive(prk)


# [3] Attestation


def read_item(data, at, indefinite_map=False):
    """Strict CBOR of the document: shortest heads, definite lengths (but for the payload's own map), no tags, no floats."""
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if major == 5 and info == 31 and indefinite_map:
        length = None
    elif info < 24:
        length = info
    else:
        require(info <= 27, "attestation_malformed")
        width = 1 << (info - 24)
        length = int.from_bytes(data[at : at + width], "big")
        require(at + width <= len(data) and length >= (24 if width == 1 else 1 << (4 * width)), "attestation_malformed")
        at += width
    if major == 0:
        return length, at
    if major in (2, 3):
        require(at + length <= len(data), "attestation_malformed")
        part = data[at : at + length]
        return (part if major == 2 else part.decode()), at + length
    if major == 4:
        items = []
        for _ in range(length):
            item, at = read_item(data, at)
            items.append(item)
        return items, at
    if major == 5:
        items = {}
        while length is None or length > 0:
            if length is None and data[at] == 0xFF:
                return items, at + 1
            name, at = read_item(data, at)
            require(name not in items, "attestation_malformed")
            items[name], at = read_item(data, at)
            length = None if length is None else length - 1
        return items, at
    require(major == 7 and info == 22, "attestation_malformed")
    return None, at


def read_whole(data, indefinite_map=False):
    try:
        item, end = read_item(data, 0, indefinite_map)
    except (IndexError, UnicodeDecodeError, TypeError):
        raise Refused("attestation_malformed") from None
    require(end == len(data), "attestation_malformed")
    return item


def read_document(data):
    envelope = read_whole(data)
    require(isinstance(envelope, list) and len(envelope) == 4, "attestation_malformed")
    protected, unprotected, payload, signature = envelope
    require(protected == bytes.fromhex("a1013822") and unprotected == {}, "attestation_malformed")
    require(is_bytes(payload, 1, 16_384) and is_bytes(signature, 96), "attestation_malformed")
    document = read_whole(payload, indefinite_map=True)
    require(isinstance(document, dict) and set(document) <= FIELDS, "attestation_malformed")
    pcrs, bundle, timestamp = (document.get(name) for name in ("pcrs", "cabundle", "timestamp"))
    require(isinstance(document.get("module_id"), str) and document["module_id"] != "", "attestation_malformed")
    require(document.get("digest") == "SHA384" and isinstance(timestamp, int) and timestamp > 0, "attestation_malformed")
    require(isinstance(pcrs, dict) and pcrs != {}, "attestation_malformed")
    require(all(isinstance(i, int) and 0 <= i <= 31 and is_bytes(pcr, 48) for i, pcr in pcrs.items()), "attestation_malformed")
    require(isinstance(bundle, list) and 1 <= len(bundle) <= 8, "attestation_malformed")
    require(all(is_bytes(der, 1, 1024) for der in (*bundle, document.get("certificate"))), "attestation_malformed")
    require(all(document.get(name) is None or is_bytes(document[name], 0, 1024) for name in ("public_key", "user_data", "nonce")), "attestation_malformed")
    return document, payload, signature


def verify_chain(root, document):
    """Returns the leaf's public key."""
    chain = lambda condition: require(condition, "attestation_chain")  # noqa: E731
    try:
        path = [x509.load_der_x509_certificate(der) for der in (root, *document["cabundle"][1:], document["certificate"])]
        at = datetime.datetime.utcfromtimestamp(document["timestamp"] // 1000)
        for i, certificate in enumerate(path):
            below = len(path) - 1 - i
            chain(certificate.not_valid_before <= at <= certificate.not_valid_after and certificate.version == x509.Version.v3)
            chain(certificate.signature_algorithm_oid.dotted_string == "1.2.840.10045.4.3.3")
            chain(isinstance(certificate.public_key().curve, ec.SECP384R1))
            extensions = {extension.oid.dotted_string: extension for extension in certificate.extensions}
            basic, usage = extensions.pop("2.5.29.19", None), extensions.pop("2.5.29.15", None)
            chain(usage is not None and not any(extension.critical for extension in extensions.values()))
            if below == 0:
                chain((basic is None or not basic.value.ca) and usage.value.digital_signature and not usage.value.key_cert_sign)
            else:
                chain(basic is not None and basic.critical and basic.value.ca and usage.value.key_cert_sign)
                chain(basic.value.path_length is None or basic.value.path_length >= below - 1)
            if i > 0:
                issuer = path[i - 1]
                chain(certificate.issuer.public_bytes() == issuer.subject.public_bytes() != certificate.subject.public_bytes())
                issuer.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(hashes.SHA384()))
    except (AttributeError, ValueError, InvalidSignature, x509.InvalidVersion, x509.DuplicateExtension):
        raise Refused("attestation_chain") from None
    return path[-1].public_key()


def bstr_head(length):
    return bytes([0x40 | length]) if length < 24 else bytes([0x58, length]) if length < 256 else b"\x59" + length.to_bytes(2, "big")


def accept(data, nonce, root, measurements):
    """Returns the channel, or refuses: the checks of [3], in their order."""
    received = time.monotonic()
    document, payload, signature = read_document(data)
    leaf = verify_chain(root, document)
    signed = b"\x84\x6aSignature1" + bytes.fromhex("44a101382240") + bstr_head(len(payload)) + payload
    r, s = int.from_bytes(signature[:48], "big"), int.from_bytes(signature[48:], "big")
    try:
        leaf.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA384()))
    except InvalidSignature:
        raise Refused("attestation_signature") from None
    pcrs, timestamp = document["pcrs"], document["timestamp"]
    require(not any(pcrs.get(i) == bytes(48) for i in (0, 1, 2)), "attestation_debug")
    require(document.get("nonce") == nonce, "attestation_nonce")
    require(abs(time.time() * 1000 - timestamp) <= DAY_MS, "attestation_stale")
    actual = {name: pcrs.get(i, b"").hex() for name, i in PCRS.items()}
    require(any(all(pinned[name] == actual[name] for name in PCRS) for pinned in measurements), "attestation_measurements")
    public_key, user_data = document.get("public_key"), document.get("user_data")
    require(is_bytes(public_key, 32) and user_data is not None, "attestation_binding")
    binding = decode(user_data, ("v", "key", "notAfter"), "attestation_binding")
    require(binding["v"] == 1 and binding["key"] == channel_key_id(public_key), "attestation_binding")
    require(isinstance(binding["notAfter"], int) and binding["notAfter"] > timestamp, "attestation_stale")
    now_ms = lambda: int(timestamp + (time.monotonic() - received) * 1000)  # noqa: E731
    return {"public_key": public_key, "key": binding["key"], "now_ms": now_ms}


def channel_key_id(public_key):
    return sha256(framed("cloister/v1 channel key id", public_key))[:16]


# [5] Client key


class ClientKey:
    def __init__(self, private=None, random=None):
        self.private = private or ec.generate_private_key(ec.SECP256R1())
        numbers = self.private.public_key().public_numbers()
        self.x, self.y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        self.random = random or os.urandom(32)

    def thumbprint(self):
        return sha256(f'{{"crv":"P-256","kty":"EC","x":"{b64url(self.x)}","y":"{b64url(self.y)}"}}'.encode())

    def nonce(self):
        return b64url(sha256(framed("cloister/v1 token nonce", self.thumbprint(), self.random)))

    def proof(self, header, enc, unproven):
        data = framed("cloister/v1 proof", header, enc, encode(unproven))
        r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return {"x": self.x, "y": self.y, "random": self.random, "signature": r.to_bytes(32, "big") + s.to_bytes(32, "big")}


# [6] HPKE base mode, and [7] the answer's key

KEM = b"KEM" + bytes.fromhex("0020")
HPKE = b"HPKE" + bytes.fromhex("002000010002")


def labeled_extract(suite, salt, label, ikm):
    return hkdf_extract(salt, b"HPKE-v1" + suite + label + ikm)


def labeled_expand(suite, prk, label, info, length):
    return hkdf_expand(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def start_request(public_key, private=None):
    """Sender's context: enc, key, base nonce, exporter secret."""
    private = private or x25519.X25519PrivateKey.generate()
    enc = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    dh = private.exchange(x25519.X25519PublicKey.from_public_bytes(public_key))
    shared = labeled_expand(KEM, labeled_extract(KEM, b"", b"eae_prk", dh), b"shared_secret", enc + public_key, 32)
    info_hash = labeled_extract(HPKE, b"", b"info_hash", b"cloister/v1 request")
    context = b"\x00" + labeled_extract(HPKE, b"", b"psk_id_hash", b"") + info_hash
    secret = labeled_extract(HPKE, shared, b"secret", b"")
    parts = ((b"key", 32), (b"base_nonce", 12), (b"exp", 32))
    key, nonce, exporter = (labeled_expand(HPKE, secret, label, context, length) for label, length in parts)
    return {"enc": enc, "key": key, "nonce": nonce, "exporter": exporter}


def seal(context, header, body):
    return AESGCM(context["key"]).encrypt(context["nonce"], body, header)


def answer_binding(op, request):
    return encode({"v": 1, "op": op, "request": request})


def open_answer(context, sealed, bound):
    require(len(sealed) >= 48, "answer_invalid")
    secret = labeled_expand(HPKE, context["exporter"], b"sec", b"cloister/v1 answer", 32)
    prk = hkdf_extract(context["enc"] + sealed[:32], secret)
    key, iv = hkdf_expand(prk, b"key", 32), hkdf_expand(prk, b"nonce", 12)
    try:
        return AESGCM(key).decrypt(iv, sealed[32:], bound)
    except InvalidTag:
        raise Refused("answer_invalid") from None


def read_answer(plaintext, op, request):
    answer = decode(plaintext, ("op", "request", "result", "error"), "answer_invalid")
    require(answer["op"] == op and answer["request"] == request, "answer_invalid")
    error = answer["error"]
    if error is None:
        require(isinstance(answer["result"], dict), "answer_invalid")
        return answer["result"]
    require(answer["result"] is None and set(error) == {"code", "guesses"}, "answer_invalid")
    raise Refused(error["code"], error["guesses"])


# [2] HTTP


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args):
        return None


def http(url, token=None, body=None):
    headers = {} if body is None else {"content-type": "application/json"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirects)
    try:
        with opener.open(urllib.request.Request(url, data, headers), timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        problem = json.load(error)
        if problem.get("code") == "refused":
            return problem
        raise Refused(problem.get("code", "unavailable")) from None
    except urllib.error.URLError:
        raise Refused("network") from None


class Session:
    def __init__(self, url, root, measurements, token, key):
        self.url, self.root, self.measurements, self.token, self.key = url, root, measurements, token, key
        self.attest()

    def attest(self):
        nonce = os.urandom(32)
        offer = http(f"{self.url}/v1/enclave?nonce={b64url(nonce)}")
        self.channel = accept(from_b64url(offer.get("attestation"), "attestation_malformed"), nonce, self.root, self.measurements)

    def call(self, op, wallet, path, pin, parameters):
        idempotency = os.urandom(16)
        try:
            return self.attempt(op, wallet, path, pin, parameters, idempotency)
        except Refused as error:
            if str(error) != "channel_unknown":
                raise
        self.attest()  # [9]
        return self.attempt(op, wallet, path, pin, parameters, idempotency)

    def attempt(self, op, wallet, path, pin, parameters, idempotency):
        header = encode({"v": 1, "op": op, "wallet": wallet, "key": self.channel["key"]})
        context = start_request(self.channel["public_key"])
        request = os.urandom(16)
        unproven = {
            "op": op, "wallet": wallet, "request": request, "issuedAt": self.channel["now_ms"](), "idempotency": idempotency,
            "token": sha256(self.token.encode("ascii")), "pin": pin, "parameters": parameters,
        }  # fmt: skip
        body = encode({**unproven, "proof": self.key.proof(header, context["enc"], unproven)})
        parts = {"header": header, "enc": context["enc"], "ciphertext": seal(context, header, body)}
        reply = http(self.url + path, self.token, {name: b64url(part) for name, part in parts.items()})
        sealed = from_b64url(reply.get("answer"), "answer_invalid")
        return read_answer(open_answer(context, sealed, answer_binding(op, request)), op, request)


def main():
    config = json.loads(sys.stdin.readline())
    key = ClientKey()
    print(json.dumps({"nonce": key.nonce()}), flush=True)
    token = json.loads(sys.stdin.readline())["token"]
    session = Session(config["url"], base64.b64decode(config["root"]), config["measurements"], token, key)
    pin, wallet = config["pin"].encode(), str(uuid.uuid4())
    created = session.call("create", wallet, "/v1/wallets", pin, {"words": 24})
    require(created["wallet"] == wallet, "answer_invalid")
    account = next(one for one in created["accounts"] if one["namespace"] == config["chain"].split(":")[0])
    parameters = {"chain": config["chain"], "path": account["path"], "transaction": bytes.fromhex(config["transaction"])}
    path = f"/v1/wallets/{wallet}/sign"
    signed = session.call("sign", wallet, path, pin, parameters)
    require(signed["fingerprint"] == created["fingerprint"] and signed["address"] == account["address"], "answer_invalid")
    report = {"wallet": wallet, "address": account["address"], "signed": signed["signed"].hex(), "hash": signed["hash"].hex()}
    if "wrong_pin" in config:
        try:
            session.call("sign", wallet, path, config["wrong_pin"].encode(), parameters)
        except Refused as error:
            report["wrong_pin"] = {"code": str(error), "guesses": error.guesses}
    view = session.call("view", wallet, f"/v1/wallets/{wallet}/view", None, {})
    report["version"], report["guesses"] = view["version"], view["guesses"]
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    try:
        main()
    except Refused as refusal:
        print(json.dumps({"error": str(refusal)}), flush=True)
        sys.exit(1)
