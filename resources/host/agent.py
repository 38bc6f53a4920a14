"""The enclave's host: starts the enclave, configures it once, keeps its AWS credentials fresh, and ends when it stops serving (then systemd starts both anew).

Runs on what Amazon Linux brings: Python 3.9, no packages. It is trusted with nothing: what it can do is deny service.
Usage: agent.py --door vsock:16:8002 --configuration FILE [--metadata URL] [--every SECONDS] [--once] [COMMAND ...]
"""
import argparse
import datetime
import http.client
import json
import socket
import subprocess
import sys
import time
import urllib.request

TIMEOUT_SEC = 10
BOOT_SEC = 120
MISSES = 6


class Door(http.client.HTTPConnection):
    """HTTP to the enclave's host door: vsock:CID:PORT, or tcp:HOST:PORT where there is no vsock."""

    def __init__(self, address):
        super().__init__("enclave", timeout=TIMEOUT_SEC)
        self.kind, self.where, self.at = address.split(":")

    def connect(self):
        if self.kind == "vsock":
            self.sock = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
            self.sock.settimeout(TIMEOUT_SEC)
            self.sock.connect((int(self.where), int(self.at)))
        elif self.kind == "tcp":
            self.sock = socket.create_connection((self.where, int(self.at)), TIMEOUT_SEC)
        else:
            raise ValueError("a door is vsock:CID:PORT or tcp:HOST:PORT")


def ask(address, method, path, body=None):
    door = Door(address)
    try:
        door.request(method, path, body)
        answer = door.getresponse()
        return answer.status, answer.read(65536)
    finally:
        door.close()


def phase(address):
    """What the enclave says of itself; "away" when it says nothing."""
    try:
        return json.loads(ask(address, "GET", "/v1/health")[1])["phase"]
    except (OSError, ValueError, KeyError, http.client.HTTPException):
        return "away"


def metadata(base, path, method="GET", headers=None):
    request = urllib.request.Request(base + path, method=method, headers=headers or {})
    # No proxy of the environment may see this.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=TIMEOUT_SEC) as answer:
        return answer.read(65536).decode()


def credentials(base):
    """The instance role's credentials (IMDSv2), as the enclave takes them."""
    token = metadata(base, "/latest/api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    header = {"X-aws-ec2-metadata-token": token}
    role = metadata(base, "/latest/meta-data/iam/security-credentials/", headers=header).split()[0]
    given = json.loads(metadata(base, "/latest/meta-data/iam/security-credentials/" + role, headers=header))
    expires = datetime.datetime.strptime(given["Expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    return json.dumps({
        "accessKeyId": given["AccessKeyId"],
        "secretAccessKey": given["SecretAccessKey"],
        "sessionToken": given["Token"],
        "expiresAtMs": int(expires.timestamp()) * 1000,
    })


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def configure(address, path):
    deadline = time.monotonic() + BOOT_SEC
    while (found := phase(address)) in ("away", "boot") and time.monotonic() < deadline:
        time.sleep(1)
    say("booted", phase=found)
    if found == "self-test":
        with open(path, "rb") as file:
            say("configured", status=ask(address, "POST", "/v1/configure", file.read())[0])


def refresh(address, base):
    """Metadata and enclave may be away for a moment: the next round tries again."""
    try:
        status, _ = ask(address, "POST", "/v1/credentials", credentials(base))
        say("credentials", status=status)
    except (OSError, ValueError, KeyError, IndexError, http.client.HTTPException) as error:
        say("credentials", error=type(error).__name__)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--door", required=True)
    parser.add_argument("--configuration", required=True)
    parser.add_argument("--metadata", default="http://169.254.169.254")
    parser.add_argument("--every", type=float, default=300)
    parser.add_argument("--watch", type=float, default=10)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("command", nargs="*", help="starts the enclave, and returns")
    given = parser.parse_args()
    if given.command:
        # Not by systemd before us: it would kill the process that nitro-cli leaves behind, and with it the enclave.
        say("started", status=subprocess.run(given.command, stdin=subprocess.DEVNULL, check=False).returncode)
    configure(given.door, given.configuration)
    misses, due = 0, 0.0
    while misses < MISSES:
        if time.monotonic() >= due:
            refresh(given.door, given.metadata)
            due = time.monotonic() + given.every
        found = phase(given.door)
        misses = 0 if found in ("serving", "draining") else misses + 1
        if given.once or found == "halted":
            break
        time.sleep(given.watch)
    say("ends", phase=found)
    return 0 if found in ("serving", "draining") else 1


if __name__ == "__main__":
    sys.exit(main())
