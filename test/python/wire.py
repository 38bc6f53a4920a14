"""Encodings, client key, request and answer, from docs/protocol.md alone. Numbers in brackets are its sections."""
import base64
import hashlib
import hmac
import os
import re

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand


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


def schedule(dh, enc, public_key, info):
    """Key, base nonce and exporter secret of either side."""
    shared = labeled_expand(KEM, labeled_extract(KEM, b"", b"eae_prk", dh), b"shared_secret", enc + public_key, 32)
    info_hash = labeled_extract(HPKE, b"", b"info_hash", info)
    context = b"\x00" + labeled_extract(HPKE, b"", b"psk_id_hash", b"") + info_hash
    secret = labeled_extract(HPKE, shared, b"secret", b"")
    parts = ((b"key", 32), (b"base_nonce", 12), (b"exp", 32))
    return tuple(labeled_expand(HPKE, secret, label, context, length) for label, length in parts)


def raw_public(private):
    return private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def raw_private(private):
    return private.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())


def start_request(public_key, private=None):
    """Sender's context: enc, key, base nonce, exporter secret."""
    private = private or x25519.X25519PrivateKey.generate()
    enc = raw_public(private)
    key, nonce, exporter = schedule(private.exchange(x25519.X25519PublicKey.from_public_bytes(public_key)), enc, public_key, b"cloister/v1 request")
    return {"enc": enc, "key": key, "nonce": nonce, "exporter": exporter}


BLOCK = 2048


def pad(content, longest=None):
    """As if the content were `longest` bytes, if it is given and more."""
    total = (max(len(content), longest or 0) // BLOCK + 1) * BLOCK
    return (content + b"\x80").ljust(total, b"\x00")


def pad_body(body):
    pin = body["pin"] or b""
    return pad(encode(body), len(encode({**body, "pin": bytes(max(64, len(pin))), "otp": bytes(6)})))


def unpad(padded, code):
    content = padded.rstrip(b"\x00")
    require(padded and len(padded) % BLOCK == 0 and content[-1:] == b"\x80", code)
    return content[:-1]


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
    answer = decode(unpad(plaintext, "answer_invalid"), ("op", "request", "result", "error"), "answer_invalid")
    require(answer["op"] == op and answer["request"] == request, "answer_invalid")
    error = answer["error"]
    if error is None:
        require(isinstance(answer["result"], dict), "answer_invalid")
        return answer["result"]
    require(answer["result"] is None and set(error) == {"code", "guesses"}, "answer_invalid")
    raise Refused(error["code"], error["guesses"])


# [8] Recovery code, and [13] what it opens

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def recovery_text(code):
    check = int.from_bytes(sha256(framed("cloister/v1 recovery checksum", code))[:2], "big") >> 4
    bits = int.from_bytes(code, "big") << 12 | check
    text = "".join(CROCKFORD[bits >> 5 * i & 31] for i in reversed(range(28)))
    return "-".join(text[i : i + 4] for i in range(0, 28, 4))


def recovery_private(code):
    prk = labeled_extract(KEM, b"", b"dkp_prk", framed("cloister/v1 recovery key", code))
    return x25519.X25519PrivateKey.from_private_bytes(labeled_expand(KEM, prk, b"sk", b"", 32))


def open_with_code(code, sealed, label, aad):
    private, enc = recovery_private(code), sealed[:32]
    dh = private.exchange(x25519.X25519PublicKey.from_public_bytes(enc))
    key, nonce, _ = schedule(dh, enc, raw_public(private), label.encode())
    return AESGCM(key).decrypt(nonce, sealed[32:], aad)
