# User data of an enclave's host, after the settings and agent.py (resources/enclave.yml). Runs once, as root, on Amazon Linux 2023.
# No braces around variables: CloudFormation and the serverless CLI would take them for theirs.
set -euo pipefail
ROOT="$(printenv CLOISTER_ROOT || true)" # empty but in tests

# The enclave's ports, by vsock: 8001 for the relay, 8002 for the agent. It reaches out through 9000, which lists the others, one line each:
# "PORT HOST:443". TLS ends inside the enclave: what runs here only moves bytes, each to one host.
CID=16
NAMES="kms.$CLOISTER_REGION.amazonaws.com dynamodb.$CLOISTER_REGION.amazonaws.com $CLOISTER_ISSUERS"

dnf install -y aws-nitro-enclaves-cli socat amazon-cloudwatch-agent
mkdir -p "$ROOT/opt/cloister" "$ROOT/var/log/cloister" "$ROOT/etc/systemd/system" "$ROOT/etc/nitro_enclaves"
for object in "$CLOISTER_IMAGE" "$CLOISTER_CONFIGURATION"; do
  aws s3 cp --only-show-errors --region "$CLOISTER_REGION" "s3://$CLOISTER_ARTIFACTS/$object" "$ROOT/opt/cloister/$object"
done
printf 'memory_mib: 4096\ncpu_count: 2\n' > "$ROOT/etc/nitro_enclaves/allocator.yaml"

# service NAME COMMAND MORE
service() {
  printf '%s\n' '[Unit]' "Description=Cloister: $1" 'After=network-online.target nitro-enclaves-allocator.service' 'Wants=network-online.target' 'StartLimitIntervalSec=0' \
    '[Service]' "ExecStart=$2" "$3" 'Restart=always' 'RestartSec=2' 'NoNewPrivileges=yes' 'ProtectSystem=strict' 'ProtectHome=yes' 'PrivateTmp=yes' \
    "StandardOutput=append:/var/log/cloister/$1.log" "StandardError=append:/var/log/cloister/$1.log" \
    '[Install]' 'WantedBy=multi-user.target' > "$ROOT/etc/systemd/system/cloister-$1.service"
}

service door "/usr/bin/socat TCP-LISTEN:8001,fork,reuseaddr,max-children=512 VSOCK-CONNECT:$CID:8001" DynamicUser=yes
port=9001
: > "$ROOT/opt/cloister/egress"
units=cloister-door
for name in $NAMES; do
  echo "$port $name:443" >> "$ROOT/opt/cloister/egress"
  service "egress-$port" "/usr/bin/socat VSOCK-LISTEN:$port,fork,reuseaddr,max-children=256 TCP4:$name:443,connect-timeout=5" DynamicUser=yes
  units="$units cloister-egress-$port"
  port=$((port + 1))
done
service egress '/usr/bin/socat -U VSOCK-LISTEN:9000,fork,reuseaddr OPEN:/opt/cloister/egress,rdonly' DynamicUser=yes
# The agent owns the enclave: when one goes, both start anew.
run="/usr/bin/nitro-cli run-enclave --eif-path /opt/cloister/$CLOISTER_IMAGE --cpu-count 2 --memory 4096 --enclave-cid $CID"
stop='-/usr/bin/nitro-cli terminate-enclave --all'
service agent "/usr/bin/python3 /opt/cloister/agent.py --door vsock:$CID:8002 --configuration /opt/cloister/$CLOISTER_CONFIGURATION -- $run" \
  "$(printf '%s\n' "ExecStartPre=$stop" "ExecStopPost=$stop" 'ReadWritePaths=-/var/log/nitro_enclaves -/run/nitro_enclaves')"

cat > "$ROOT/opt/cloister/logs.json" <<END
{"logs": {"logs_collected": {"files": {"collect_list": [{"file_path": "/var/log/cloister/*.log", "log_group_name": "$CLOISTER_LOGS", "log_stream_name": "{instance_id}"}]}}}}
END
/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c "file:$ROOT/opt/cloister/logs.json"

systemctl daemon-reload
systemctl enable --now nitro-enclaves-allocator $units cloister-egress cloister-agent
