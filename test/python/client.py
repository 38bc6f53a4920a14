"""A minimal Cloister client, written from docs/protocol.md alone: log in, verify the enclave, create a wallet, sign.

Talks JSON lines: reads {"url", "root", "measurements", "pin", "chain", "transaction"} (root in base64, transaction in hex, optionally
"wrong_pin"), writes {"nonce"}, reads {"token"}: the ID token of a login with that nonce. Then writes {"wallet", "address", "signed", …}.
Whatever goes wrong is {"error": code}, and exit status 1. Numbers in brackets are sections of the document.
"""
import base64
import json
import os
import sys
import urllib.error
import urllib.request
import uuid

from attestation import accept
from wire import ClientKey, Refused, answer_binding, b64url, encode, from_b64url, is_bytes, open_answer, pad_body, read_answer, recovery_text, require, seal, sha256, start_request

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
            "token": sha256(self.token.encode("ascii")), "pin": pin, "otp": None, "parameters": parameters,
        }  # fmt: skip
        body = pad_body({**unproven, "proof": self.key.proof(header, context["enc"], unproven)})
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
    permissions = {name: False for name in ("exportable", "rawHash", "withoutChainId", "anySighash")}
    made = session.call("create", wallet, "/v1/wallets", pin, {"words": 24, "label": "", "permissions": permissions, "recovery": True})
    require(is_bytes(made["recovery"], 16), "answer_invalid")
    created = made["view"]
    require(created["wallet"] == wallet, "answer_invalid")
    account = next(one for one in created["accounts"] if one["namespace"] == config["chain"].split(":")[0])
    payload = {"chain": config["chain"], "path": account["path"], "kind": "transaction", "data": bytes.fromhex(config["transaction"])}
    parameters = {"payloads": [{**payload, "context": None, "summary": None}]}
    path = f"/v1/wallets/{wallet}/sign"
    result = session.call("sign", wallet, path, pin, parameters)
    (signed,) = result["signatures"]
    require(result["fingerprint"] == created["fingerprint"] and signed["address"] == account["address"], "answer_invalid")
    report = {"wallet": wallet, "address": account["address"], "signed": signed["signed"].hex(), "hash": signed["hash"].hex()}
    report["recovery"] = recovery_text(made["recovery"])
    if "wrong_pin" in config:
        try:
            session.call("sign", wallet, path, config["wrong_pin"].encode(), parameters)
        except Refused as error:
            report["wrong_pin"] = {"code": str(error), "guesses": error.guesses}
    view = session.call("view", wallet, f"/v1/wallets/{wallet}/view", None, {})["view"]
    report["version"], report["guesses"] = view["version"], view["guesses"]
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    try:
        main()
    except Refused as refusal:
        print(json.dumps({"error": str(refusal)}), flush=True)
        sys.exit(1)
