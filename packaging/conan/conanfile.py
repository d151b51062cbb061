"""The library as a Conan package, of the tree that this file lies in. Needs cargo and CMake on the PATH."""

import os
import re

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load

# What building the library takes. Cargo wants to see all of the workspace.
SOURCES = [
    ".cargo/config.toml", "CMakeLists.txt", "Cargo.toml", "Cargo.lock", "build.rs", "LICENSE", "cpp/*", "include/*", "src/*",
    "packaging/licenses/*", "protocol/*", "durable/*", "gateway/Cargo.toml", "gateway/src/*", "bindings/python/Cargo.toml", "bindings/python/build.rs",
    "bindings/python/src/*", "bench/*", "fuzz/targets/*",
]


class RealmIngest(ConanFile):
    name = "realm-ingest"
    description = "Durable outbox and uploader for Data Ingest, source compatible with the Realm C++ SDK for it"
    license = "Apache-2.0"
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False]}
    default_options = {"shared": True}

    @property
    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        manifest = load(self, os.path.join(self._root, "Cargo.toml"))
        self.version = re.search(r'\[workspace\.package\]\nversion = "(.*)"', manifest).group(1)

    def export_sources(self):
        for pattern in SOURCES:
            copy(self, pattern, self._root, self.export_sources_folder, excludes=["target/*", "build/*"])

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["REALM_INGEST_SHARED"] = bool(self.options.shared)
        for part in ("GATEWAY", "TESTS", "EXAMPLES"):
            toolchain.cache_variables[f"REALM_INGEST_BUILD_{part}"] = False
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        for text in ("LICENSE", "packaging/licenses/library.txt"):
            copy(self, os.path.basename(text), os.path.join(self.source_folder, os.path.dirname(text)),
                 os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        # The package's own CMake files say what consumers need.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = ["lib/cmake"]
        self.cpp_info.libs = ["realm_ingest"]
        if not self.options.shared:
            self.cpp_info.system_libs = ["stdc++", "gcc_s", "util", "rt", "pthread", "m", "dl"]
