#!/usr/bin/env bash
# The same steps, and restic for what comes after them: a repository for the first backup, and that. Nothing is read back.
#   backup-restic.sh PORT KEY KNOWN_HOSTS FOLDER
# RESTIC_REPOSITORY, RESTIC_PASSWORD and the keys of S3 come with the environment.
set -euo pipefail
port=$1 key=$2 known=$3 folder=$4
umask 0077
# shellcheck source-path=SCRIPTDIR source=pull.sh
. "$(dirname "$0")/pull.sh"

restic -q init
restic -q backup "$folder"
