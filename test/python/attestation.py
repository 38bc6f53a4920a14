"""Which enclave to talk to: verifies the attestation document as docs/protocol.md, section 3, says, in its order."""
import datetime
import time

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from wire import Refused, channel_key_id, decode, is_bytes, require

DAY_MS = 86_400_000
PCRS = {"pcr0": 0, "pcr1": 1, "pcr2": 2, "pcr16": 16}
FIELDS = {"module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle", "public_key", "user_data", "nonce"}


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
