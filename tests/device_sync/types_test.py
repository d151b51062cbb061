"""Every golden value is written by an SDK, and stored byte for byte as the C++ headers have it."""

import json
import os
import subprocess
import unittest

import scene  # finds the modules of the next
import golden
from golden import decoded, make, with_id_first


class Types(scene.Scene):
    def cpp_device(self, gateway, name):
        """What types_device writes: (class, document)."""
        folder = os.path.join(self.work, name)
        os.mkdir(folder)
        done = subprocess.run(
            [os.environ["REALM_INGEST_TYPES_DEVICE"], scene.url(gateway), folder], capture_output=True, text=True
        )
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        return [(of, bytes.fromhex(document)) for of, document in map(str.split, done.stdout.splitlines())]

    def stored_bytes(self, of):
        return [make.encode(make.value_of(json.loads(line))) for line in self.command("export", of, "--canonical").splitlines()]

    def test_golden_objects_are_equal_through_both_doors(self):
        server = self.gateway(name="other")
        written = self.cpp_device(server, "cpp")
        server.kill()

        server = self.gateway()
        device = self.device(server)
        device.log_in()
        device.open(golden.CLASSES)
        for of, document in written:
            device.write(of, [decoded(document)])
        device.await_upload()
        self.assertEqual([], device.errors())
        self.assertEqual([], self.lines("dead-letters"))
        for of in {of for of, _ in written}:
            self.assertEqual(
                sorted(with_id_first(document).hex() for name, document in written if name == of),
                sorted(with_id_first(document).hex() for document in self.stored_bytes(of)),
                of,
            )
        # The headers' schemas say the same of these classes, or their documents would be refused here.
        self.cpp_device(server, "cpp-after")
        self.assertEqual([], self.lines("dead-letters"))

    def test_lists_and_dictionaries_in_mixed_become_arrays_and_documents(self):
        classes = [golden.asymmetric("Nested", "int", any="mixed", all="mixed[]", named="mixed{}")]
        deep = {"a": [1, {"b": [True, None, "x"], "c": {}}, []], "z": 2.5}
        documents = [
            {"_id": 1, "any": deep, "all": [deep, [deep], 3], "named": {"k": deep, "n": None}},
            {"_id": 2, "any": [[[["deep"]]]], "all": [], "named": {}},
            {"_id": 3, "any": {}, "all": [{}], "named": {"k": []}},
        ]
        device = self.device(self.gateway())
        device.log_in()
        device.open(classes)
        device.write("Nested", documents)
        device.await_upload()
        self.assertEqual([], device.errors())
        self.assertEqual(documents, [dict(document) for document in self.stored("Nested")])


if __name__ == "__main__":
    unittest.main()
