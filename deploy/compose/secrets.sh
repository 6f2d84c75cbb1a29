#!/bin/sh
# Makes what compose.yaml hands out as secrets, where it is not there yet: passwords, tokens, and a self-signed
# certificate for the names given (localhost without any). Replace tls-certificate and tls-key by your own at any time.
set -eu
umask 077
folder=$(dirname "$0")/secrets
mkdir -p "$folder"
cd "$folder"
# Containers run as another user, who must read the files; the folder keeps everybody else of this machine out.
chmod 0700 .

random() { openssl rand -hex 32; }

for name in redis-password metrics-token grafana-password; do
    [ -s "$name" ] || random > "$name"
done
for role in admin operator viewer; do
    [ -s "token-$role" ] || printf 'vreid_%s\n' "$(random)" > "token-$role"
done
if [ ! -s tls-certificate ]; then
    names="DNS:localhost,IP:127.0.0.1"
    for name in "$@"; do names="$names,DNS:$name"; done
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 825 -subj "/CN=vreid" \
        -addext "subjectAltName=$names" -keyout tls-key -out tls-certificate 2>/dev/null
fi
chmod 0444 ./*
echo "secrets are in $folder; log in to the console with the token in token-operator"
