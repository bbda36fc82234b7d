#!/bin/sh
# A restore drill in a CI job, whatever runs it. Keys come from the environment, stand in a folder of their own while the drill runs,
# and are gone afterwards. The exit status is that of the drill: 0 proven, 4 a proof failed, 1 too late or not carried out.
#
#   DRILL_IDENTITY         private key that opens the snapshots, as text
#   DRILL_EVIDENCE_KEY     private key that signs the evidence, as text; without it the evidence is not signed
#   DRILL_KEY_PASSPHRASE   of those keys, where they have one
#   DRILL_S3_ACCESS_KEY, DRILL_S3_SECRET_KEY   rights to read are enough
#   DRILL_HOSTS            hosts or groups of the inventory ("controller")
#   DRILL_FROM             "latest", or the id of a snapshot
#   DRILL_EVIDENCE         folder for the evidence and the summary ("drill-evidence")
#   COOLIFY_STATE          how the program is started ("coolify-state")
#
# Arguments go to "coolify-state drill" as they are.
set -eu
umask 077

keys=$(mktemp -d)
trap 'rm -rf "$keys"' EXIT

: "${DRILL_IDENTITY:?is not set: the private key that opens the snapshots}"
printf '%s\n' "$DRILL_IDENTITY" >"$keys/identity"
export COOLIFY_STATE_IDENTITY_PATH="$keys/identity"
if [ -n "${DRILL_EVIDENCE_KEY:-}" ]; then
  printf '%s\n' "$DRILL_EVIDENCE_KEY" >"$keys/evidence-key"
  export COOLIFY_STATE_EVIDENCE_KEY_PATH="$keys/evidence-key"
fi
[ -z "${DRILL_S3_ACCESS_KEY:-}" ] || export HETZNER_S3_ACCESS_KEY="$DRILL_S3_ACCESS_KEY"
[ -z "${DRILL_S3_SECRET_KEY:-}" ] || export HETZNER_S3_SECRET_KEY="$DRILL_S3_SECRET_KEY"
[ -z "${DRILL_KEY_PASSPHRASE:-}" ] || export COOLIFY_STATE_KEY_PASSPHRASE="$DRILL_KEY_PASSPHRASE"
unset DRILL_IDENTITY DRILL_EVIDENCE_KEY DRILL_S3_ACCESS_KEY DRILL_S3_SECRET_KEY DRILL_KEY_PASSPHRASE

evidence=${DRILL_EVIDENCE:-drill-evidence}
mkdir -p "$evidence"
# On GitHub the summary belongs to the page of the job.
summary=${GITHUB_STEP_SUMMARY:-$evidence/summary.md}

# In the background, so that a job that is cancelled lets the drill take its host down.
# shellcheck disable=SC2086 # several words in one
${COOLIFY_STATE:-coolify-state} drill "${DRILL_HOSTS:-controller}" --from "${DRILL_FROM:-latest}" \
  --evidence "$evidence" --summary "$summary" "$@" &
program=$!
trap 'kill -TERM "$program" 2>/dev/null || :' HUP INT TERM
status=0
wait "$program" || status=$?
# A signal ends the wait before the program has ended.
while kill -0 "$program" 2>/dev/null; do
  status=0
  wait "$program" || status=$?
done
exit "$status"
