"""What the C header declares, for cffi."""

import re
import subprocess


def declarations(compiler, header):
    """The header without what only compilers want: cffi knows the types of the standard headers by itself."""
    text = re.sub(r"^#include.*$", "", open(header).read(), flags=re.M)
    constants = re.findall(r"^#define (REALM_INGEST_\w+) (\d+)$", text, re.M)
    command = [compiler, "-E", "-P", "-x", "c", "-"]
    code = subprocess.run(command, input=text, stdout=subprocess.PIPE, check=True, text=True).stdout
    return code + "".join(f"#define {name} {value}\n" for name, value in constants)
