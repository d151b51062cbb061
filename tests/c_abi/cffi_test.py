#!/usr/bin/python3
"""The C header can be read by cffi, and the library called by what that makes of it.

    cffi_test.py C_COMPILER HEADER LIBRARY
"""

import sys

import cffi
from declarations_of import declarations


def main():
    compiler, header, library = sys.argv[1:]
    ffi = cffi.FFI()
    ffi.cdef(declarations(compiler, header))
    lib = ffi.dlopen(library)

    def refused(call, *arguments):
        error = ffi.new("realm_ingest_error **")
        code = call(*arguments, error)
        message = ffi.string(lib.realm_ingest_error_message(error[0], ffi.NULL)).decode()
        assert lib.realm_ingest_error_code(error[0]) == code
        lib.realm_ingest_error_free(error[0])
        return code, message

    assert lib.realm_ingest_abi_version() == lib.REALM_INGEST_ABI_VERSION
    assert lib.realm_ingest_check_abi(lib.REALM_INGEST_ABI_VERSION, ffi.NULL) == lib.REALM_INGEST_OK
    code, message = refused(lib.realm_ingest_check_abi, lib.REALM_INGEST_ABI_VERSION + 1)
    assert code == lib.REALM_INGEST_NOT_SUPPORTED and "ABI version" in message, message

    config = ffi.new("realm_ingest_app_config **")
    assert lib.realm_ingest_app_config_new(b"app", 3, ffi.NULL, config) == lib.REALM_INGEST_OK
    lib.realm_ingest_app_config_free(config[0])
    code, message = refused(lib.realm_ingest_app_config_set_base_url, config[0], b"http://a", 8)
    assert code == lib.REALM_INGEST_INVALID_ARGUMENT, code
    assert message.startswith("config is not a live realm_ingest_app_config"), message
    assert lib.realm_ingest_live_objects() == 0

    print(len(dir(lib)), "names")


main()
