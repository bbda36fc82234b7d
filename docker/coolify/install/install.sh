#!/bin/bash
# A stand-in for Coolify's installer that does to a host what the real one does, offline: what that one downloads
# is copied from CDN here.
set -e
set -o pipefail
CDN=/usr/local/share/coolify-cdn
DATE=$(date +"%Y%m%d-%H%M%S")
DATA=/data/coolify
ENV_FILE=$DATA/source/.env

if [ "$EUID" != 0 ]; then
  echo "Please run this script as root or with sudo"
  exit 0
fi

# For tests of what can go wrong: download, unhealthy or slow, in the environment or in this file.
FAIL=${COOLIFY_LAB_FAIL:-$(cat /root/.coolify-lab-fail 2>/dev/null || true)}

LATEST_VERSION=$(jq -r .coolify.v4.version "$CDN/versions.json")
VERSION=${1:-$LATEST_VERSION}
VERSION=$(echo "$VERSION" | tr '[:upper:]' '[:lower:]' | sed 's/^v//')
mkdir -p $DATA/source
exec > >(tee -a "$DATA/source/installation-$DATE.log") 2>&1
echo "Welcome to Coolify Installer!"
echo "| Version            | $VERSION"

echo "1. Installing required packages (curl, wget, git, jq, openssl)."
for program in curl wget git jq openssl; do command -v "$program" >/dev/null || { echo "$program is missing"; exit 1; }; done
echo "2. Checking OpenSSH server configuration."
echo "3. Checking Docker installation."
docker info >/dev/null 2>&1 || { echo "Docker is not running"; exit 1; }
if [ -L /snap/bin/docker ]; then echo "Docker is installed via snap, which is not supported"; exit 1; fi
echo "4. Checking Docker configuration."

mkdir -p $DATA/{source,ssh,applications,databases,backups,services,proxy,sentinel,images}
mkdir -p $DATA/ssh/{keys,mux} $DATA/proxy/dynamic
chown -R 9999:root $DATA
chmod -R 700 $DATA

echo "5. Download required files from CDN."
[ "$FAIL" != slow ] || sleep 20
if [ "$FAIL" = download ]; then
  echo "curl: (6) Could not resolve host: cdn.coollabs.io" >&2
  exit 6
fi
for file in docker-compose.yml docker-compose.prod.yml .env.production upgrade.sh; do
  cp "$CDN/$file" "$DATA/source/$file"
done

echo "6. Setting up environment variable file"
if [ -f "$ENV_FILE" ]; then
  echo " - Backup of the existing .env file to .env-$DATE"
  cp "$ENV_FILE" "$ENV_FILE-$DATE"
  # The first line of each key wins; of blank lines and equal comments one remains.
  awk -F '=' '!seen[$1]++' "$ENV_FILE" "$DATA/source/.env.production" >"$ENV_FILE.tmp" && mv "$ENV_FILE.tmp" "$ENV_FILE"
else
  cp "$DATA/source/.env.production" "$ENV_FILE"
fi
[ -n "$REGISTRY_URL" ] || REGISTRY_URL=$(sed -n 's/^REGISTRY_URL=//p' "$ENV_FILE")
REGISTRY_URL=${REGISTRY_URL:-docker.io}

# Only what is empty or missing is filled in.
update_env_var() {
  local key=$1 value=$2
  if grep -q "^${key}=$" "$ENV_FILE"; then
    sed -i "s|^${key}=$|${key}=${value}|" "$ENV_FILE"
  elif ! grep -q "^${key}=" "$ENV_FILE"; then
    printf '%s=%s\n' "$key" "$value" >>"$ENV_FILE"
  fi
}

echo "7. Setting up secrets"
update_env_var APP_ID "$(openssl rand -hex 16)"
update_env_var APP_KEY "base64:$(openssl rand -base64 32)"
update_env_var DB_PASSWORD "$(openssl rand -base64 32)"
update_env_var REDIS_PASSWORD "$(openssl rand -base64 32)"
update_env_var PUSHER_APP_ID "$(openssl rand -hex 32)"
update_env_var PUSHER_APP_KEY "$(openssl rand -hex 32)"
update_env_var PUSHER_APP_SECRET "$(openssl rand -hex 32)"
if [ -n "$ROOT_USERNAME" ] && [ -n "$ROOT_USER_EMAIL" ] && [ -n "$ROOT_USER_PASSWORD" ]; then
  update_env_var ROOT_USERNAME "$ROOT_USERNAME"
  update_env_var ROOT_USER_EMAIL "$ROOT_USER_EMAIL"
  update_env_var ROOT_USER_PASSWORD "$ROOT_USER_PASSWORD"
fi
update_env_var DOCKER_ADDRESS_POOL_BASE "${DOCKER_ADDRESS_POOL_BASE:-10.0.0.0/8}"
update_env_var DOCKER_ADDRESS_POOL_SIZE "${DOCKER_ADDRESS_POOL_SIZE:-24}"
if [ "$AUTOUPDATE" = false ]; then update_env_var AUTOUPDATE false; fi

echo "8. Checking for SSH key for localhost access."
[ -d ~/.ssh ] || mkdir -p ~/.ssh
chmod 700 ~/.ssh
touch ~/.ssh/authorized_keys
chmod 600 ~/.ssh/authorized_keys
IS_COOLIFY_VOLUME_EXISTS=$(docker volume ls | grep -c coolify-db || true)
if [ "$IS_COOLIFY_VOLUME_EXISTS" -eq 0 ]; then
  echo " - Generating SSH key."
  KEY=$DATA/ssh/keys/id.$USER@host.docker.internal
  rm -f "$KEY" "$KEY.pub"
  ssh-keygen -q -t ed25519 -a 100 -f "$KEY" -N "" -C coolify
  chown 9999 "$KEY"
  sed -i "/coolify/d" ~/.ssh/authorized_keys
  cat "$KEY.pub" >>~/.ssh/authorized_keys
  rm -f "$KEY.pub"
fi
chown -R 9999:root $DATA
chmod -R 700 $DATA

echo "9. Installing Coolify ($VERSION)"
rm -f "$DATA/source/.upgrade-status"
nohup env COOLIFY_LAB_FAIL="$FAIL" bash "$DATA/source/upgrade.sh" "$VERSION" latest "$REGISTRY_URL" true >"$DATA/source/upgrade-$DATE.log" 2>&1 </dev/null &
for _ in $(seq 360); do
  status=$(cat "$DATA/source/.upgrade-status" 2>/dev/null || true)
  case $status in
    6\|*) break ;;
    error\|*) echo " - $status"; tail -n 5 "$DATA/source/upgrade-$DATE.log"; exit 1 ;;
  esac
  sleep 0.5
done

echo " - Waiting for Coolify to be ready..."
for _ in $(seq 120); do
  if [ "$(docker inspect --format '{{.State.Health.Status}}' coolify 2>/dev/null)" = healthy ]; then
    echo "Congratulations! Your Coolify instance is ready to use."
    exit 0
  fi
  [ "$FAIL" != unhealthy ] || break
  sleep 0.5
done
echo " - Coolify container did not become healthy in time."
exit 1
