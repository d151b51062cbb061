#!/usr/bin/env bash
# Makes a release twice and says of each file whether it has the same bytes. The second time the folder is another one, with a longer
# name, and so are the day's time, the time zone, the language, the mode of new files and, where the system lets it, the user.
#
#     scripts/release-twice.sh WORK "Your Name <you@example.com>"
#
# What was made is WORK/first, and WORK/again-... where it is not the same. Each takes some 20 minutes of two processors, and 3 GB meanwhile.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
[ $# = 2 ] || {
    echo "release-twice: needs a folder, and who answers for the packages: scripts/release-twice.sh WORK 'Your Name <you@example.com>'" >&2
    exit 1
}
work=$1 contact=$2
mkdir -p "$work"
first=$work/first again=$work/again-in-a-folder-with-a-longer-name

"$root/scripts/release.sh" "$first" "$contact"

# In a name space of its own the same user has another number and no name.
as_another=(unshare --user --map-user=1234 --map-group=1234 --)
"${as_another[@]}" true 2>/dev/null || as_another=()
(
    umask 077
    TZ=Pacific/Chatham LANG=tr_TR.UTF-8 "${as_another[@]}" "$root/scripts/release.sh" "$again" "$contact"
)

same=true
while read -r name; do
    if cmp -s "$first/$name" "$again/$name"; then
        echo "same:      $name"
    else
        echo "different: $name"
        same=false
    fi
done < <(find "$first" "$again" -mindepth 1 -maxdepth 1 -printf '%P\n' | sort -u)
$same
rm -r "$again"
