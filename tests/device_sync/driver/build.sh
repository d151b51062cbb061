#!/usr/bin/env bash
# Makes the driver: gets its libraries by Maven, checks that they are those of libraries.sha256, and compiles it.
#
#     build.sh DIRECTORY      afterwards DIRECTORY/driver runs it
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"

if ! (cd lib && sha256sum --check --strict --quiet "$here/libraries.sha256") >/dev/null 2>&1; then
    rm -rf lib
    get=(mvn --batch-mode --quiet --file "$here/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$PWD/lib")
    # What Maven has kept needs no network.
    "${get[@]}" --offline >/dev/null 2>&1 || "${get[@]}"
    (cd lib && sha256sum --check --strict --quiet "$here/libraries.sha256")
fi
# One that is checked by no line would be used unchecked.
[ "$(ls lib)" = "$(cut -c67- "$here/libraries.sha256")" ] || {
    echo "lib holds other files than libraries.sha256 names" >&2
    exit 1
}

rm -rf classes native
mkdir classes native
javac -encoding UTF-8 -Xlint:all -Werror -cp 'lib/*' -d classes "$here"/src/*.java
(cd native && jar --extract --file ../lib/cinterop-jvm-2.3.0.jar jni/linux/librealmc.so)
cat >driver <<RUN
#!/bin/sh
exec java -Xshare:auto -XX:TieredStopAtLevel=1 -Djava.library.path='$PWD/native/jni/linux' -cp '$PWD/classes:$PWD/lib/*' Driver "\$@"
RUN
chmod +x driver
