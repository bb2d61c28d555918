#!/bin/sh
# Print the first Python from 3.11 to 3.13 on this machine, or nothing. $PYTHON is asked first.
set -u
for name in ${PYTHON:-} python3.11 python3.12 python3.13 python3 python; do
    path=$(command -v "$name") || continue
    "$path" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
        >/dev/null 2>&1 || continue
    printf '%s\n' "$path"
    exit 0
done
exit 0
